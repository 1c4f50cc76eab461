//! The model file: the safetensors layout, checksummed, memory-mapped, never trusted.
//!
//! ```text
//! 8 bytes       length of the header, little-endian
//! header        JSON: tensor names, types, shapes, places; metadata "kzstance": the model's own header
//! tensors       raw little-endian arrays
//!   coefficients.<axis>   F32 [features, columns]   of the linear scores: 1 column for 2 classes, 2 for two stages
//!   intercepts.<axis>     F64 [columns]
//!   document_frequency    U32 [features]
//!   term_ends             U32 [features]            where each term ends in term_text
//!   term_text             U8  [bytes]               UTF-8, block by block, by falling document frequency
//!   fingerprints          U64 [documents]           of the training documents' words, rising
//!   validation_truth.<axis>          U32 [judged]   held-out judgements: class given by hand,
//!   validation_decided.<axis>        U32 [judged]   class decided,
//!   validation_probabilities.<axis>  F32 [judged, classes]
//!   validation_groups.<axis>         U32 [judged]   what may only be resampled as one; all four or none
//!   ~sha256               U8  [32]                  of every byte before it: the file's last 32 bytes
//! ```

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use sha2::{Digest, Sha256};

use super::header::{FORMAT_VERSION, Header};
use super::index::TermIndex;
use crate::error::{Error, Result};
use crate::features::Vectorizer;
use crate::learn::logistic::columns;
use crate::learn::{Scheme, Validation};
use crate::text::NORMALIZER_VERSION;
use crate::write::write_atomically;

const METADATA: &str = "kzstance";
const CHECKSUM: &str = "~sha256";

/// A model as it is stored.
#[derive(Debug)]
pub struct Model {
    bytes: Bytes,
    /// Where each tensor lies: of the bytes after the header.
    tensors: Metadata,
    data: usize,
    header: Header,
    index: Arc<TermIndex>,
}

#[derive(Debug)]
enum Bytes {
    Owned(Vec<u8>),
    Mapped(memmap2::Mmap),
    Shipped(&'static [u8]),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Owned(bytes) => bytes,
            Bytes::Mapped(map) => map,
            Bytes::Shipped(bytes) => bytes,
        }
    }
}

/// The fitted numbers of one head: coefficients feature by feature, and intercepts.
pub(crate) type HeadWeights<'a> = (Cow<'a, [f32]>, Cow<'a, [f64]>);

impl Model {
    /// Puts a model together.
    ///
    /// # Errors
    /// [`Error::Usage`] where the parts do not fit each other (a defect of the caller).
    pub(crate) fn new(
        header: Header,
        vectorizer: &Vectorizer,
        heads: &[(Vec<f32>, Vec<f64>)],
        fingerprints: &[u64],
        validations: &[Validation],
    ) -> Result<Self> {
        let mut text = String::new();
        let mut ends: Vec<u32> = Vec::with_capacity(vectorizer.len());
        for term in vectorizer.terms().flatten() {
            text.push_str(term);
            ends.push(
                u32::try_from(text.len())
                    .map_err(|_| Error::Usage("the vocabulary is larger than 4 GiB".into()))?,
            );
        }
        let features = ends.len();
        let mut tensors: Vec<Stored> = vec![
            (
                "document_frequency".into(),
                Dtype::U32,
                vec![features],
                bytemuck::cast_slice(&vectorizer.df).to_vec(),
            ),
            ("term_ends".into(), Dtype::U32, vec![features], bytemuck::cast_slice(&ends).to_vec()),
            ("term_text".into(), Dtype::U8, vec![text.len()], text.into_bytes()),
            (
                "fingerprints".into(),
                Dtype::U64,
                vec![fingerprints.len()],
                bytemuck::cast_slice(fingerprints).to_vec(),
            ),
            (CHECKSUM.into(), Dtype::U8, vec![32], vec![0; 32]),
        ];
        for (head, (coefficients, intercepts)) in header.heads.iter().zip(heads) {
            let columns = intercepts.len();
            let bytes = bytemuck::cast_slice(coefficients).to_vec();
            tensors.push((
                format!("coefficients.{}", head.axis.name),
                Dtype::F32,
                vec![features, columns],
                bytes,
            ));
            let bytes = bytemuck::cast_slice(intercepts).to_vec();
            tensors.push((format!("intercepts.{}", head.axis.name), Dtype::F64, vec![columns], bytes));
        }
        for (head, validation) in header.heads.iter().zip(validations).filter(|(_, found)| !found.is_empty())
        {
            tensors.extend(validation_tensors(&head.axis.name, validation));
        }
        let defect = |what: String| Error::Usage(format!("the model cannot be stored: {what}"));
        let json = serde_json::to_string(&header).map_err(|error| defect(error.to_string()))?;
        let views = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                TensorView::new(*dtype, shape.clone(), bytes).map(|view| (name.clone(), view))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| defect(error.to_string()))?;
        let metadata = HashMap::from([(METADATA.to_owned(), json)]);
        let mut bytes =
            safetensors::serialize(views, Some(metadata)).map_err(|error| defect(error.to_string()))?;
        let body = bytes.len() - 32;
        let digest = Sha256::digest(&bytes[..body]);
        bytes[body..].copy_from_slice(&digest);
        Self::checked(Bytes::Owned(bytes), Path::new(&header.name))
    }

    /// Opens a model file. Its pages are read when they are needed.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::ModelDamaged`] (no model, cut short, or a wrong checksum) or
    /// [`Error::ModelIncompatible`] (made by another version of the format or the normaliser).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let read = |source| Error::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(read)?;
        if !file.metadata().map_err(read)?.is_file() {
            return Err(Error::ModelDamaged { path: path.to_owned(), problem: "this is not a file".into() });
        }
        #[allow(unsafe_code)]
        // SAFETY: the map is only ever read as plain bytes, so any content is valid. What memory
        // mapping cannot exclude is that another process changes the file meanwhile: models are
        // replaced as a whole (written beside and renamed), never rewritten in place.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(read)?;
        Self::checked(Bytes::Mapped(map), path)
    }

    /// A model that is part of the program.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_static(bytes: &'static [u8], name: &str) -> Result<Self> {
        Self::checked(Bytes::Shipped(bytes), Path::new(name))
    }

    /// A model from the bytes of its file.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self> {
        Self::checked(Bytes::Owned(bytes), Path::new("model"))
    }

    fn checked(bytes: Bytes, path: &Path) -> Result<Self> {
        let damaged = |problem: String| Error::ModelDamaged { path: path.to_owned(), problem };
        let (length, metadata) = SafeTensors::read_metadata(&bytes)
            .map_err(|error| damaged(format!("this is no model file, or it is cut short ({error})")))?;
        let json = metadata
            .metadata()
            .as_ref()
            .and_then(|metadata| metadata.get(METADATA))
            .ok_or_else(|| damaged("a safetensors file, but not a kzstance model".into()))?;
        // Versions come first: a newer header may not parse.
        let versions: serde_json::Value = serde_json::from_str(json)
            .map_err(|error| damaged(format!("its header is not JSON ({error})")))?;
        let incompatible = |problem: String| Error::ModelIncompatible { path: path.to_owned(), problem };
        let format = versions["format"].as_u64().unwrap_or(0);
        if format != u64::from(FORMAT_VERSION) {
            return Err(incompatible(format!(
                "model format {format}, and this program reads format {FORMAT_VERSION}; use the kzstance that wrote it, or train again"
            )));
        }
        let normalizer = versions["features"]["normalizer"]["version"].as_u64().unwrap_or(0);
        if normalizer != u64::from(NORMALIZER_VERSION) {
            return Err(incompatible(format!(
                "trained with normaliser {normalizer}, and this program has normaliser {NORMALIZER_VERSION}: its words would not match; train again"
            )));
        }
        let header: Header = serde_json::from_str(json)
            .map_err(|error| damaged(format!("its header does not parse ({error})")))?;
        let mut model = Model { bytes, tensors: metadata, data: 8 + length, header, index: Arc::default() };
        // Each is a pass over the file, and together they are most of what scoring one article takes.
        let (checksum, parts) = std::thread::scope(|scope| {
            let checksum = scope.spawn(|| model.has_sound_checksum());
            let parts = model.check_parts();
            (checksum.join().unwrap_or(false), parts)
        });
        if !checksum {
            return Err(damaged("its checksum does not match its content".into()));
        }
        model.index = Arc::new(parts.map_err(damaged)?);
        Ok(model)
    }

    fn has_sound_checksum(&self) -> bool {
        let split = self.bytes.len().saturating_sub(32);
        Sha256::digest(&self.bytes[..split])[..] == self.bytes[split..]
    }

    /// The bounds that scoring relies on.
    fn check_parts(&self) -> std::result::Result<TermIndex, String> {
        let header = &self.header;
        header.features.check().map_err(|error| error.to_string())?;
        let sizes = header.block_sizes.iter();
        let features = sizes.clone().try_fold(0_usize, |sum, &size| sum.checked_add(size));
        let features = features.ok_or("the sizes of its blocks are no sizes")?;
        if header.block_sizes.len() != header.features.blocks.len() {
            return Err("the number of blocks differs".into());
        }
        let df = self.array::<u32>("document_frequency")?;
        if df.len() != features || df.iter().any(|&df| df > header.n_documents) {
            return Err("document_frequency does not fit the number of terms or documents".into());
        }
        let fingerprints = self.fingerprints()?;
        if fingerprints.len() != header.n_documents as usize || !fingerprints.is_sorted() {
            return Err("the fingerprints do not fit the number of documents, or do not rise".into());
        }
        let ends = self.array::<u32>("term_ends")?;
        let text = self.term_text()?;
        let rising = ends.is_sorted_by(|a, b| a < b)
            && ends.first() != Some(&0)
            && ends.iter().all(|&end| text.is_char_boundary(end as usize));
        if ends.len() != features || !rising || ends.last().map_or(0, |&end| end as usize) != text.len() {
            return Err("the terms do not fit their text".into());
        }
        let index = TermIndex::new(&header.features, blocks(&header.block_sizes, &ends, text));
        let index = index.ok_or("a term stands twice")?;
        if header.heads.is_empty() {
            return Err("it has no classifier".into());
        }
        for (index, head) in header.heads.iter().enumerate() {
            let classes = head.axis.classes.len();
            let columns = columns(head.scheme, classes);
            if head.scheme == Scheme::TwoStage && classes != 3 {
                return Err(format!("{} has two stages for {classes} classes", head.axis.name));
            }
            let (coefficients, intercepts) = self.weights(index)?;
            let shape = |part: &str| {
                Ok::<_, String>(self.tensor(&format!("{part}.{}", head.axis.name))?.shape().to_vec())
            };
            if classes < 2
                || shape("coefficients")? != [features, columns]
                || shape("intercepts")? != [columns]
                || intercepts.len() != columns
                || coefficients.len() != features * columns
            {
                return Err(format!("the weights of {} have the wrong shape", head.axis.name));
            }
            if !coefficients.iter().all(|w| w.is_finite()) || !intercepts.iter().all(|b| b.is_finite()) {
                return Err(format!("a weight of {} is not a number", head.axis.name));
            }
            head.rule
                .check(head.scheme, classes)
                .map_err(|problem| format!("{}: {problem}", head.axis.name))?;
            if let Some(validation) = self.read_validation(index)? {
                validation.check(classes).map_err(|problem| format!("{}: {problem}", head.axis.name))?;
            }
        }
        Ok(index)
    }

    /// How head `index` judged examples that its fits had not seen; `None` where there were none to
    /// rely on, or the model was made before these were kept.
    pub fn validation(&self, index: usize) -> Option<Validation> {
        // Every part was checked when the model was made.
        self.read_validation(index).ok().flatten()
    }

    fn read_validation(&self, index: usize) -> std::result::Result<Option<Validation>, String> {
        let Some(head) = self.header.heads.get(index) else { return Ok(None) };
        let name = |part: &str| format!("validation_{part}.{}", head.axis.name);
        let names = VALIDATION_PARTS.map(name);
        if names.iter().all(|name| self.tensor(name).is_err()) {
            return Ok(None);
        }
        let numbers = |name: &str| -> std::result::Result<Vec<usize>, String> {
            Ok(self.array::<u32>(name)?.iter().map(|&number| number as usize).collect())
        };
        let classes = head.axis.classes.len();
        let [truth, decided, probabilities, groups] = &names;
        let truth = numbers(truth)?;
        let shape = self.tensor(probabilities)?.shape().to_vec();
        if truth.is_empty() || shape != [truth.len(), classes] {
            return Err(format!("{probabilities} has the wrong shape"));
        }
        let wide = self.array::<f32>(probabilities)?;
        let rows = wide.chunks_exact(classes.max(1));
        Ok(Some(Validation {
            truth,
            decided: numbers(decided)?,
            probabilities: rows.map(|row| row.iter().map(|&p| f64::from(p)).collect()).collect(),
            groups: numbers(groups)?,
        }))
    }

    /// The fingerprints of the training documents, rising; see [`crate::Document::fingerprint`].
    pub(crate) fn fingerprints(&self) -> std::result::Result<Cow<'_, [u64]>, String> {
        self.array("fingerprints")
    }

    /// What the model says of itself.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The bytes of its file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of its file, lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        crate::document::sha256_hex(&self.bytes)
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        write_atomically(path.as_ref(), &self.bytes)
    }

    /// The vocabulary.
    pub fn vectorizer(&self) -> Vectorizer {
        // Every part was checked when the model was made.
        let ends = self.array::<u32>("term_ends").unwrap_or_default();
        let text = self.term_text().unwrap_or_default();
        let df = self.array::<u32>("document_frequency").unwrap_or_default().into_owned();
        let sizes = (self.header.n_documents, self.header.mean_length);
        let blocks = blocks(&self.header.block_sizes, &ends, text);
        Vectorizer::from_terms(self.header.features.clone(), sizes, blocks, df)
    }

    /// The terms, found by what they are.
    pub(super) fn index(&self) -> Arc<TermIndex> {
        self.index.clone()
    }

    /// For each feature its inverse document frequency.
    pub(super) fn inverse_document_frequencies(&self) -> std::result::Result<Vec<f64>, String> {
        let df = self.array::<u32>("document_frequency")?;
        let kinds = self.header.features.blocks.iter().zip(&self.header.block_sizes);
        let is_share = kinds.flat_map(|(kind, &size)| std::iter::repeat_n(kind.extractor.is_share(), size));
        let mut last = (u32::MAX, 0.0);
        let weights = df.iter().zip(is_share).map(|(&df, is_share)| {
            // Frequencies fall, so that the same one comes many times in a row.
            if df != last.0 {
                last = (df, self.header.features.idf.weight(df, self.header.n_documents));
            }
            // Coefficients of shares are stored for the shares themselves.
            if is_share { 1.0 } else { last.1 }
        });
        Ok(weights.collect())
    }

    /// The fitted numbers of head `index`.
    pub(crate) fn weights(&self, index: usize) -> std::result::Result<HeadWeights<'_>, String> {
        let name = &self.header.heads[index].axis.name;
        Ok((self.array(&format!("coefficients.{name}"))?, self.array(&format!("intercepts.{name}"))?))
    }

    fn tensor(&self, name: &str) -> std::result::Result<TensorView<'_>, String> {
        let missing = || format!("{name} is missing");
        let info = self.tensors.info(name).ok_or_else(missing)?;
        let (start, end) = info.data_offsets;
        let data = self.bytes.get(self.data + start..self.data + end).ok_or_else(missing)?;
        TensorView::new(info.dtype, info.shape.clone(), data).map_err(|error| format!("{name}: {error}"))
    }

    fn term_text(&self) -> std::result::Result<&str, String> {
        // As `std::str::from_utf8`, several times as fast.
        let data = self.tensor("term_text")?.data();
        match encoding_rs::UTF_8.decode_without_bom_handling_and_without_replacement(data) {
            Some(Cow::Borrowed(text)) => Ok(text),
            _ => Err("term_text is not UTF-8".to_owned()),
        }
    }

    fn array<T: Number>(&self, name: &str) -> std::result::Result<Cow<'_, [T]>, String> {
        let tensor = self.tensor(name)?;
        if tensor.dtype() != T::DTYPE {
            return Err(format!("{name} has the wrong type"));
        }
        let bytes = tensor.data();
        if cfg!(target_endian = "little")
            && let Ok(slice) = bytemuck::try_cast_slice(bytes)
        {
            return Ok(Cow::Borrowed(slice));
        }
        Ok(Cow::Owned(bytes.chunks_exact(size_of::<T>()).map(T::from_le).collect()))
    }
}

/// The terms of each block.
fn blocks<'t>(
    sizes: &'t [usize],
    ends: &'t [u32],
    text: &'t str,
) -> impl Iterator<Item = impl ExactSizeIterator<Item = &'t str> + Clone> {
    let term = move |number: usize| {
        let start = if number == 0 { 0 } else { ends[number - 1] as usize };
        &text[start..ends[number] as usize]
    };
    let mut first = 0;
    sizes.iter().map(move |&size| {
        first += size;
        (first - size..first).map(term)
    })
}

const VALIDATION_PARTS: [&str; 4] = ["truth", "decided", "probabilities", "groups"];

/// A tensor to be stored: name, type, shape and bytes.
type Stored = (String, Dtype, Vec<usize>, Vec<u8>);

fn validation_tensors(axis: &str, validation: &Validation) -> [Stored; 4] {
    let narrow = |numbers: &[usize]| -> Vec<u8> {
        let numbers: Vec<u32> = numbers.iter().map(|&number| number as u32).collect();
        bytemuck::cast_slice(&numbers).to_vec()
    };
    let rows = validation.len();
    let classes = validation.probabilities.first().map_or(0, Vec::len);
    let probabilities: Vec<f32> = validation.probabilities.iter().flatten().map(|&p| p as f32).collect();
    let [truth, decided, wide, groups] = VALIDATION_PARTS.map(|part| format!("validation_{part}.{axis}"));
    [
        (truth, Dtype::U32, vec![rows], narrow(&validation.truth)),
        (decided, Dtype::U32, vec![rows], narrow(&validation.decided)),
        (wide, Dtype::F32, vec![rows, classes], bytemuck::cast_slice(&probabilities).to_vec()),
        (groups, Dtype::U32, vec![rows], narrow(&validation.groups)),
    ]
}

/// A number that tensors are made of.
trait Number: bytemuck::AnyBitPattern {
    const DTYPE: Dtype;
    fn from_le(bytes: &[u8]) -> Self;
}

macro_rules! number {
    ($type:ty, $dtype:ident) => {
        impl Number for $type {
            const DTYPE: Dtype = Dtype::$dtype;
            fn from_le(bytes: &[u8]) -> Self {
                bytes.try_into().map(<$type>::from_le_bytes).unwrap_or_default()
            }
        }
    };
}
number!(f32, F32);
number!(f64, F64);
number!(u32, U32);
number!(u64, U64);
