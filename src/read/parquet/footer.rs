//! A look at a footer before it is read for good: how deep its schema is.
//!
//! The library builds the schema by recursion without a bound, so that a forged footer of some hundred kB would
//! exhaust the stack, which ends a process and cannot be caught. This walks the footer (Thrift's compact
//! protocol) without recursion into the schema.

/// How deep structures may nest, in a schema and elsewhere. Real ones have a handful of levels.
pub(super) const DEEPEST: usize = 64;

/// The fields of the footer and of an element of its schema that matter here.
const SCHEMA: i64 = 2;
const CHILDREN: i64 = 5;

/// The types of the protocol that are more than a number.
const STRUCT: u8 = 12;
/// The end of a structure, in place of a field.
const END: u8 = 0;
const LIST: u8 = 9;

/// Refuses a footer that is no structure of the protocol, or whose schema is nested deeper than
/// [`DEEPEST`]. O(bytes).
///
/// # Errors
/// What is wrong with it.
pub(super) fn check(footer: &[u8]) -> Result<(), String> {
    let mut walk = Walk { bytes: footer };
    let mut deepest = 0;
    let mut id = 0;
    let walked = (|| {
        loop {
            match walk.field(&mut id)? {
                END => return Some(()),
                LIST if id == SCHEMA => deepest = deepest.max(walk.schema()?),
                kind => walk.skip(kind, 0)?,
            }
        }
    })();
    walked.ok_or("its footer cannot be read")?;
    if deepest > DEEPEST {
        return Err(format!("its columns are nested more than {DEEPEST} deep"));
    }
    Ok(())
}

struct Walk<'a> {
    bytes: &'a [u8],
}

impl Walk<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -((number & 1).cast_signed()))
    }

    fn pass(&mut self, bytes: u64) -> Option<()> {
        self.bytes = self.bytes.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    /// The type of the next field of a structure, or [`END`]; `id` becomes its number.
    fn field(&mut self, id: &mut i64) -> Option<u8> {
        let head = self.byte()?;
        if head == END {
            return Some(END);
        }
        *id = if head >> 4 == 0 { self.signed()? } else { id.checked_add(i64::from(head >> 4))? };
        Some(head & 0x0F).filter(|&kind| kind != END)
    }

    /// The number of elements of a list, and their type.
    fn list(&mut self) -> Option<(u64, u8)> {
        let head = self.byte()?;
        let length = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
        Some((length, head & 0x0F))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        match kind {
            // True and false are types of their own.
            1 | 2 => Some(()),
            3 => self.pass(1),
            4..=6 => self.number().map(drop),
            7 => self.pass(8),
            8 => {
                let length = self.number()?;
                self.pass(length)
            }
            // A list or a set.
            LIST | 10 => {
                let (length, kind) = self.list()?;
                for _ in 0..length {
                    self.element(kind, depth + 1)?;
                }
                Some(())
            }
            11 => {
                let length = self.number()?;
                let kinds = if length == 0 { 0 } else { self.byte()? };
                for _ in 0..length {
                    self.element(kinds >> 4, depth + 1)?;
                    self.element(kinds & 0x0F, depth + 1)?;
                }
                Some(())
            }
            STRUCT => {
                let mut id = 0;
                loop {
                    match self.field(&mut id)? {
                        END => return Some(()),
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
            }
            _ => None,
        }
    }

    /// As a field, but that true and false take a byte.
    fn element(&mut self, kind: u8, depth: usize) -> Option<()> {
        if matches!(kind, 1 | 2) { self.pass(1) } else { self.skip(kind, depth) }
    }

    /// How deep a schema is, which is a list of its nodes, each before its children, of which it has the number.
    fn schema(&mut self) -> Option<usize> {
        let (length, kind) = self.list()?;
        let mut deepest = 0;
        // For each node that is open, how many of its children are still to come.
        let mut open: Vec<u64> = Vec::new();
        for _ in 0..length {
            if kind != STRUCT {
                return None;
            }
            deepest = deepest.max(open.len());
            if let Some(left) = open.last_mut() {
                *left -= 1;
            }
            let (mut id, mut children) = (0, 0);
            loop {
                match self.field(&mut id)? {
                    END => break,
                    5 if id == CHILDREN => children = u64::try_from(self.signed()?).ok()?,
                    kind => self.skip(kind, 0)?,
                }
            }
            if children > 0 {
                open.push(children);
            }
            while open.last() == Some(&0) {
                open.pop();
            }
            if open.len() > DEEPEST + 1 {
                return Some(open.len());
            }
        }
        Some(deepest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer with a column at the bottom of `depth` groups.
    fn footer(depth: usize) -> Vec<u8> {
        let mut bytes = vec![0x15, 2, 0x19, 0xFC];
        let mut nodes = depth as u64 + 2;
        while nodes > 0x7F {
            bytes.push(nodes as u8 | 0x80);
            nodes >>= 7;
        }
        bytes.push(nodes as u8);
        bytes.extend([0x48, 1, b'm', 0x15, 2, 0]);
        bytes.extend([0x35, 0, 0x18, 1, b'a', 0x15, 2, 0].repeat(depth));
        bytes.extend([0x15, 2, 0x25, 0, 0x18, 1, b'a', 0, 0x16, 0, 0x19, 0x0C, 0]);
        bytes
    }

    #[test]
    fn a_schema_without_a_bottom_is_refused() {
        for depth in [0, 1, 10, 60] {
            assert_eq!(check(&footer(depth)), Ok(()), "{depth}");
        }
        for depth in [70, 3_000, 300_000] {
            assert!(check(&footer(depth)).expect_err("deep").contains("nested"), "{depth}");
        }
        // The same in a second list, which would take the place of the first.
        let twice = [&footer(1)[..footer(1).len() - 1], &[0x09, 4], &footer(300_000)[3..]].concat();
        assert!(check(&twice).expect_err("deep").contains("nested"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = check(&bytes);
        }
    }
}
