//! One column of a row group: its levels, its cells, and what they are in JSON.

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96, Int96Type,
};
use parquet::schema::types::ColumnDescriptor;
use serde_json::{Number, Value};

/// The days from the epoch of Julian days to 1970-01-01.
const JULIAN_EPOCH: i128 = 2_440_588;
const NANOSECONDS: i128 = 1_000_000_000;
const A_DAY: i128 = 86_400 * NANOSECONDS;

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// What their physical type says.
    Plain,
    Unsigned,
    Date,
    /// Of a day, counted in so many nanoseconds.
    Time(i128),
    /// Counted in so many nanoseconds; in UTC, or as the clock on an unknown wall.
    Timestamp {
        unit: i128,
        utc: bool,
    },
    /// With so many digits behind the point.
    Decimal(i32),
    Text,
    Json,
    Float16,
    Uuid,
}

impl Meaning {
    fn of(column: &ColumnDescriptor) -> Self {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::MILLIS => 1_000_000,
            TimeUnit::MICROS => 1_000,
            TimeUnit::NANOS => 1,
        };
        // The newer way to say it goes before the older one.
        match column.logical_type_ref() {
            Some(LogicalType::String | LogicalType::Enum) => return Meaning::Text,
            Some(LogicalType::Json) => return Meaning::Json,
            Some(LogicalType::Date) => return Meaning::Date,
            Some(LogicalType::Decimal(decimal)) => return Meaning::Decimal(decimal.scale),
            Some(LogicalType::Time(time)) => return Meaning::Time(unit(&time.unit)),
            Some(LogicalType::Timestamp(time)) => {
                return Meaning::Timestamp { unit: unit(&time.unit), utc: time.is_adjusted_to_u_t_c };
            }
            Some(LogicalType::Integer(integer)) if !integer.is_signed => return Meaning::Unsigned,
            Some(LogicalType::Float16) => return Meaning::Float16,
            Some(LogicalType::Uuid) => return Meaning::Uuid,
            _ => {}
        }
        match column.converted_type() {
            ConvertedType::UTF8 | ConvertedType::ENUM => Meaning::Text,
            ConvertedType::JSON => Meaning::Json,
            ConvertedType::DATE => Meaning::Date,
            ConvertedType::DECIMAL => Meaning::Decimal(column.type_scale()),
            ConvertedType::TIME_MILLIS => Meaning::Time(1_000_000),
            ConvertedType::TIME_MICROS => Meaning::Time(1_000),
            ConvertedType::TIMESTAMP_MILLIS => Meaning::Timestamp { unit: 1_000_000, utc: true },
            ConvertedType::TIMESTAMP_MICROS => Meaning::Timestamp { unit: 1_000, utc: true },
            ConvertedType::UINT_8
            | ConvertedType::UINT_16
            | ConvertedType::UINT_32
            | ConvertedType::UINT_64 => Meaning::Unsigned,
            _ => Meaning::Plain,
        }
    }
}

/// The cells of a batch that are there, one after the other.
struct Cells<T: DataType> {
    reader: ColumnReaderImpl<T>,
    values: Vec<T::T>,
}

enum Physical {
    Bool(Cells<BoolType>),
    Int32(Cells<Int32Type>),
    Int64(Cells<Int64Type>),
    Int96(Cells<Int96Type>),
    Float(Cells<FloatType>),
    Double(Cells<DoubleType>),
    Bytes(Cells<ByteArrayType>),
    Fixed(Cells<FixedLenByteArrayType>),
}

/// A place in a column.
pub(super) struct Cursor {
    /// Its name, with those of the groups it is in.
    name: String,
    meaning: Meaning,
    /// Whether bytes that are nowhere called a text must be one.
    text_wanted: bool,
    highest: (i16, i16),
    physical: Physical,
    definitions: Vec<i16>,
    repetitions: Vec<i16>,
    /// Entries in this batch: cells, nulls and empty lists.
    entries: usize,
    /// The next entry, and the next cell that is there.
    at: (usize, usize),
}

impl Cursor {
    /// The beginning of a column. Bytes that are not called a text anywhere and are none are an error where
    /// `text_wanted`, else null: a table may hold pictures beside its articles.
    pub fn new(column: &ColumnDescriptor, reader: ColumnReader, text_wanted: bool) -> Self {
        fn cells<T: DataType>(reader: ColumnReaderImpl<T>) -> Cells<T> {
            Cells { reader, values: Vec::new() }
        }
        let physical = match reader {
            ColumnReader::BoolColumnReader(reader) => Physical::Bool(cells(reader)),
            ColumnReader::Int32ColumnReader(reader) => Physical::Int32(cells(reader)),
            ColumnReader::Int64ColumnReader(reader) => Physical::Int64(cells(reader)),
            ColumnReader::Int96ColumnReader(reader) => Physical::Int96(cells(reader)),
            ColumnReader::FloatColumnReader(reader) => Physical::Float(cells(reader)),
            ColumnReader::DoubleColumnReader(reader) => Physical::Double(cells(reader)),
            ColumnReader::ByteArrayColumnReader(reader) => Physical::Bytes(cells(reader)),
            ColumnReader::FixedLenByteArrayColumnReader(reader) => Physical::Fixed(cells(reader)),
        };
        Cursor {
            name: column.path().string(),
            meaning: Meaning::of(column),
            text_wanted,
            highest: (column.max_def_level(), column.max_rep_level()),
            physical,
            definitions: Vec::new(),
            repetitions: Vec::new(),
            entries: 0,
            at: (0, 0),
        }
    }

    /// Reads the entries of the next `rows` rows, in place of those before.
    ///
    /// # Errors
    /// What is wrong with the column.
    pub fn fill(&mut self, rows: usize) -> Result<(), String> {
        self.definitions.clear();
        self.repetitions.clear();
        let (definitions, repetitions) = (&mut self.definitions, &mut self.repetitions);
        macro_rules! fill {
            ($($kind:ident),*) => {
                match &mut self.physical {
                    $(Physical::$kind(cells) => {
                        cells.values.clear();
                        cells.reader.read_records(rows, Some(definitions), Some(repetitions), &mut cells.values)
                    })*
                }
            };
        }
        let read = fill!(Bool, Int32, Int64, Int96, Float, Double, Bytes, Fixed);
        let (records, _, entries) = read.map_err(|error| format!("column {}: {error}", self.name))?;
        if records != rows {
            return Err(format!("column {} ends before its row group", self.name));
        }
        self.entries = entries;
        self.at = (0, 0);
        Ok(())
    }

    /// The definition level of the next entry.
    pub fn definition(&self) -> Result<i16, String> {
        if self.at.0 >= self.entries {
            return Err(self.contradiction());
        }
        if self.highest.0 == 0 {
            return Ok(0);
        }
        self.definitions.get(self.at.0).copied().ok_or_else(|| self.contradiction())
    }

    /// The repetition level of the next entry; `None` at the end of a batch.
    pub fn repetition(&self) -> Option<i16> {
        if self.highest.1 == 0 || self.at.0 >= self.entries {
            return (self.at.0 < self.entries).then_some(0);
        }
        self.repetitions.get(self.at.0).copied()
    }

    /// Passes over an entry without a cell.
    pub fn pass_over(&mut self) -> Result<(), String> {
        if self.definition()? >= self.highest.0 {
            return Err(self.contradiction());
        }
        self.at.0 += 1;
        Ok(())
    }

    /// The next cell, which must be there. One that cannot be read goes to `problem`.
    pub fn take(&mut self, problem: &mut Option<String>) -> Result<Value, String> {
        if self.definition()? != self.highest.0 {
            return Err(self.contradiction());
        }
        let value = self.cell(self.at.1).ok_or_else(|| self.contradiction())?;
        self.at = (self.at.0 + 1, self.at.1 + 1);
        Ok(value.unwrap_or_else(|found| {
            problem.get_or_insert_with(|| format!("column {}: {found}", self.name));
            Value::Null
        }))
    }

    fn contradiction(&self) -> String {
        format!("the levels of column {} contradict each other", self.name)
    }

    /// The cell of this number; `None` where there is none.
    fn cell(&self, number: usize) -> Option<Result<Value, String>> {
        Some(match &self.physical {
            Physical::Bool(cells) => Ok(Value::Bool(*cells.values.get(number)?)),
            Physical::Int32(cells) => {
                let value = *cells.values.get(number)?;
                if self.meaning == Meaning::Unsigned {
                    Ok(Value::from(value.cast_unsigned()))
                } else {
                    self.integer(i64::from(value))
                }
            }
            Physical::Int64(cells) => self.integer(*cells.values.get(number)?),
            Physical::Int96(cells) => timestamp(legacy(cells.values.get(number)?), true),
            // The shortest number that is this one: 0.1, not 0.10000000149.
            Physical::Float(cells) => Ok(float(cells.values.get(number)?.to_string().parse().ok()?)),
            Physical::Double(cells) => Ok(float(*cells.values.get(number)?)),
            Physical::Bytes(cells) => self.bytes(cells.values.get(number)?),
            Physical::Fixed(cells) => self.bytes(cells.values.get(number)?),
        })
    }

    fn integer(&self, value: i64) -> Result<Value, String> {
        match self.meaning {
            Meaning::Unsigned => Ok(Value::from(value.cast_unsigned())),
            Meaning::Date => {
                let at = moment(i128::from(value) * A_DAY)?;
                Ok(Value::from(TimeZone::UTC.to_datetime(at).date().to_string()))
            }
            Meaning::Time(unit) => time(i128::from(value) * unit),
            Meaning::Timestamp { unit, utc } => timestamp(i128::from(value) * unit, utc),
            Meaning::Decimal(scale) => decimal(i128::from(value), scale),
            _ => Ok(Value::from(value)),
        }
    }

    fn bytes(&self, value: &ByteArray) -> Result<Value, String> {
        // Of an empty text the library holds no bytes at all.
        let bytes = if value.is_empty() { &[] } else { value.data() };
        match self.meaning {
            Meaning::Decimal(scale) => decimal(big_endian(bytes)?, scale),
            Meaning::Float16 => match *bytes {
                [low, high] => Ok(float(half(u16::from_le_bytes([low, high])))),
                _ => Err("a half-precision number that has not two bytes".into()),
            },
            Meaning::Uuid if bytes.len() == 16 => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
                Ok(Value::from(parts.join("-")))
            }
            Meaning::Json => serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}")),
            _ => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Value::from(text)),
                Err(_) if self.meaning != Meaning::Text && !self.text_wanted => Ok(Value::Null),
                Err(error) => Err(format!(
                    "not UTF-8 from byte {}; decode the texts before writing the table",
                    error.valid_up_to() + 1
                )),
            },
        }
    }
}

/// A number; null for «not a number», which some programs write for what is missing.
fn float(value: f64) -> Value {
    if value.is_infinite() {
        return Value::from(value.to_string());
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn moment(nanoseconds: i128) -> Result<Timestamp, String> {
    Timestamp::from_nanosecond(nanoseconds).map_err(|_| "a date outside the years -9999 to 9999".to_owned())
}

/// RFC 3339 in UTC; without a zone where the column knows none.
fn timestamp(nanoseconds: i128, utc: bool) -> Result<Value, String> {
    let at = moment(nanoseconds)?;
    Ok(Value::from(if utc { at.to_string() } else { TimeZone::UTC.to_datetime(at).to_string() }))
}

fn time(nanoseconds: i128) -> Result<Value, String> {
    if !(0..A_DAY).contains(&nanoseconds) {
        return Err("a time outside its day".into());
    }
    let seconds = nanoseconds / NANOSECONDS;
    let parts = ((seconds / 3600) as i8, (seconds / 60 % 60) as i8, (seconds % 60) as i8);
    let time = Time::new(parts.0, parts.1, parts.2, (nanoseconds % NANOSECONDS) as i32);
    time.map(|time| Value::from(time.to_string())).map_err(|error| error.to_string())
}

/// The timestamps of older writers: nanoseconds of a Julian day.
fn legacy(value: &Int96) -> i128 {
    let [low, high, day] = value.data() else { return 0 };
    let nanoseconds = i128::from(*low) | i128::from(*high) << 32;
    (i128::from(*day) - JULIAN_EPOCH) * A_DAY + nanoseconds
}

/// A text, since a number of JSON would lose digits.
fn decimal(value: i128, scale: i32) -> Result<Value, String> {
    let digits = usize::try_from(scale).ok().filter(|&scale| scale <= 38);
    let digits = digits.ok_or_else(|| format!("a decimal with {scale} digits behind its point"))?;
    let sign = if value < 0 { "-" } else { "" };
    let all = format!("{:0width$}", value.unsigned_abs(), width = digits + 1);
    let (whole, rest) = all.split_at(all.len() - digits);
    Ok(Value::from(if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{rest}") }))
}

/// A number in two's complement.
fn big_endian(bytes: &[u8]) -> Result<i128, String> {
    if bytes.len() > 16 {
        return Err("a decimal of more than 38 digits".into());
    }
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let start: i128 = if negative { -1 } else { 0 };
    Ok(bytes.iter().fold(start, |number, &byte| number << 8 | i128::from(byte)))
}

/// A half-precision number: sign, five bits of exponent, ten of fraction.
fn half(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f64::from(bits & 0x3FF));
    match exponent {
        0 => sign * fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_keep_their_digits() {
        for (value, scale, text) in [
            (1250, 2, "12.50"),
            (-5, 2, "-0.05"),
            (0, 0, "0"),
            (7, 0, "7"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            assert_eq!(decimal(value, scale), Ok(Value::from(text)));
        }
        assert!(decimal(1, -1).is_err() && decimal(1, i32::MAX).is_err());
        assert_eq!(big_endian(&[0xFF, 0xFE]), Ok(-2));
        assert_eq!(big_endian(&[]), Ok(0));
    }

    #[test]
    fn half_precision_numbers_are_exact() {
        for (bits, value) in
            [(0x3C00, 1.0), (0xC000, -2.0), (0x3555, 0.333251953125), (0x0001, 2_f64.powi(-24))]
        {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7E00).is_nan() && half(0xFC00) == f64::NEG_INFINITY);
    }

    #[test]
    fn moments_out_of_reach_are_refused() {
        assert!(timestamp(i128::from(i64::MAX) * 1_000_000, true).is_err());
        assert_eq!(timestamp(0, true), Ok(Value::from("1970-01-01T00:00:00Z")));
        assert_eq!(timestamp(1_500_000_000, false), Ok(Value::from("1970-01-01T00:00:01.5")));
        assert_eq!(time(A_DAY - 1), Ok(Value::from("23:59:59.999999999")));
        assert!(time(A_DAY).is_err() && time(-1).is_err());
    }
}
