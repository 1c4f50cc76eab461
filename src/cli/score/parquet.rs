//! Scores as a table in Parquet, with the columns of the CSV form.

use std::path::Path;

#[cfg(not(feature = "parquet"))]
use kzstance::Error;
use kzstance::Result;
use kzstance::model::{Score as Scored, Scorer};

#[cfg(feature = "parquet")]
pub struct Table {
    header: kzstance::model::Header,
    writer: kzstance::write::parquet::TableWriter<kzstance::write::AtomicFile>,
}

#[cfg(feature = "parquet")]
impl Table {
    /// Begins a table at `path`; `kept` are the fields of the input that it carries.
    pub fn create(path: &Path, scorer: &Scorer, kept: &[String]) -> Result<Self> {
        use kzstance::read::scored::ASSUMED_KEY;
        use kzstance::write::parquet::{Column, Kind, TableWriter};

        let header = scorer.header().clone();
        let mut columns = vec![Column::required("id", Kind::Text)];
        for head in header.heads.iter().filter(|head| !head.axis.is_on_target()) {
            let axis = &head.axis.name;
            columns.push(Column::required(axis, Kind::Text));
            let classes = head.axis.classes.iter();
            columns.extend(classes.map(|class| Column::required(format!("{axis}_p_{class}"), Kind::F64)));
            columns.push(Column::optional(format!("{axis}_abstain"), Kind::Text));
        }
        columns.push(Column::required("known_share", Kind::F64));
        let on_target = header.heads.iter().filter(|head| head.axis.is_on_target());
        columns.extend(on_target.map(|_| Column::required("on_target_p_true", Kind::F64)));
        columns.extend(kept.iter().map(|name| Column::optional(name, Kind::Text)));
        // Shares that were assumed are a fact about every row.
        let metadata: Vec<(String, String)> = (header.heads.iter().enumerate())
            .filter(|(index, head)| scorer.prior(*index) != head.rule.calibration.prior.as_slice())
            .map(|(index, head)| {
                let shares = head.axis.classes.iter().zip(scorer.prior(index));
                let shares: serde_json::Map<_, _> =
                    shares.map(|(class, share)| (class.clone(), (*share).into())).collect();
                (format!("{ASSUMED_KEY}{}", head.axis.name), serde_json::Value::Object(shares).to_string())
            })
            .collect();
        let file = kzstance::write::AtomicFile::create(path)?;
        Ok(Table { header, writer: TableWriter::new(file, path, columns, &metadata)? })
    }

    /// Adds some rows.
    pub fn write(&mut self, scores: &[Scored], kept: &[Vec<Option<String>>]) -> Result<()> {
        use kzstance::write::parquet::Values;

        if scores.is_empty() {
            return Ok(());
        }
        let mut columns = vec![Values::Text(scores.iter().map(|score| Some(score.id.as_str())).collect())];
        let heads = || self.header.heads.iter().enumerate();
        let probability = |head: usize, class: usize| {
            Values::F64(scores.iter().map(|score| Some(score.heads[head].probabilities[class])).collect())
        };
        for (index, head) in heads().filter(|(_, head)| !head.axis.is_on_target()) {
            let class = |score: &Scored| score.heads[index].class;
            let labels = scores.iter().map(|score| Some(head.axis.classes[class(score)].as_str()));
            columns.push(Values::Text(labels.collect()));
            columns.extend((0..head.axis.classes.len()).map(|class| probability(index, class)));
            columns.push(Values::Text(scores.iter().map(|score| score.heads[index].abstain).collect()));
        }
        columns.push(Values::F64(scores.iter().map(|score| Some(score.known_share)).collect()));
        columns.extend(
            heads().filter(|(_, head)| head.axis.is_on_target()).map(|(head, _)| probability(head, 0)),
        );
        for field in 0..kept.first().map_or(0, Vec::len) {
            columns.push(Values::Text(kept.iter().map(|row| row[field].as_deref()).collect()));
        }
        self.writer.write(&columns)
    }

    /// Completes the table.
    pub fn finish(self) -> Result<()> {
        self.writer.finish()?.commit()
    }
}

/// What stands for it in a program that was built without Parquet: there is none.
#[cfg(not(feature = "parquet"))]
pub enum Table {}

#[cfg(not(feature = "parquet"))]
impl Table {
    pub fn create(path: &Path, _: &Scorer, _: &[String]) -> Result<Self> {
        let path = path.display();
        Err(Error::Usage(format!("{path}: this program was built without Parquet; write .jsonl or .csv")))
    }

    pub fn write(&mut self, _: &[Scored], _: &[Vec<Option<String>>]) -> Result<()> {
        match *self {}
    }

    pub fn finish(self) -> Result<()> {
        match self {}
    }
}
