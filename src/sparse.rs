//! Compressed sparse rows: the one matrix layout of this crate.

/// A list of rows, each a run of items, in two flat arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    starts: Vec<usize>,
    items: Vec<T>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Rows { starts: vec![0], items: Vec::new() }
    }
}

impl<T> Rows<T> {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = T>) {
        self.items.extend(row);
        self.starts.push(self.items.len());
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of items in all rows.
    pub fn nnz(&self) -> usize {
        self.items.len()
    }

    /// The items of row `index`.
    #[inline]
    pub fn row(&self, index: usize) -> &[T] {
        &self.items[self.starts[index]..self.starts[index + 1]]
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.starts.windows(2).map(|bounds| &self.items[bounds[0]..bounds[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let mut rows = Rows::new();
        rows.push([1, 2]);
        rows.push([]);
        rows.push([3]);
        assert_eq!(rows.iter().collect::<Vec<_>>(), [&[1, 2][..], &[], &[3]]);
        assert_eq!((rows.len(), rows.nnz(), rows.row(2)), (3, 3, &[3][..]));
    }
}
