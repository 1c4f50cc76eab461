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

/// Items of so few rows are not worth a thread of their own.
const GRAIN: usize = 1 << 14;

impl<T> Rows<T> {
    /// No rows yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No rows yet, and room for so many rows and items.
    pub fn with_capacity(rows: usize, items: usize) -> Self {
        let mut starts = Vec::with_capacity(rows + 1);
        starts.push(0);
        Rows { starts, items: Vec::with_capacity(items) }
    }

    /// Adds a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = T>) {
        self.items.extend(row);
        self.starts.push(self.items.len());
    }

    /// Adds all rows of another list. O(its items).
    pub fn append(&mut self, mut other: Rows<T>) {
        let before = self.items.len();
        self.items.append(&mut other.items);
        self.starts.extend(other.starts[1..].iter().map(|end| before + end));
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

    /// The transpose, a row for each of `columns`: `place(row, item)` says in which column an item of a row
    /// stands (below `columns`) and what is kept of it. Within a column the order is that of the rows, and
    /// of the items in them. O(items + columns).
    pub fn transpose(&self, columns: usize, place: impl Fn(usize, &T) -> (u32, u32)) -> Rows<u32> {
        let mut starts = vec![0; columns + 1];
        for (row, items) in self.iter().enumerate() {
            for item in items {
                starts[place(row, item).0 as usize + 1] += 1;
            }
        }
        for column in 0..columns {
            starts[column + 1] += starts[column];
        }
        let mut items = vec![0; self.nnz()];
        // Each column's start moves to its end while it fills.
        for (row, from) in self.iter().enumerate() {
            for item in from {
                let (column, kept) = place(row, item);
                let next = &mut starts[column as usize];
                items[*next] = kept;
                *next += 1;
            }
        }
        starts.pop();
        starts.insert(0, 0);
        Rows { starts, items }
    }

    /// Calls `work(row, its items, its part of out)` for every row, `out` having one part for each: in
    /// parallel where there is enough to do. What is written does not depend on the number of threads.
    pub(crate) fn each_into<R: Send>(&self, out: &mut [R], work: &(impl Fn(usize, &[T], &mut R) + Sync))
    where
        T: Sync,
    {
        debug_assert_eq!(out.len(), self.len());
        self.each_from(0, out, work);
    }

    fn each_from<R: Send>(&self, first: usize, out: &mut [R], work: &(impl Fn(usize, &[T], &mut R) + Sync))
    where
        T: Sync,
    {
        let (start, end) = (self.starts[first], self.starts[first + out.len()]);
        if out.len() < 2 || end - start + out.len() < 2 * GRAIN {
            for (row, out) in (first..).zip(out) {
                work(row, self.row(row), out);
            }
            return;
        }
        // Half of the work, not of the rows: those of frequent words are far longer than others.
        let half = start + (end - start) / 2;
        let middle = self.starts[first..first + out.len()].partition_point(|&start| start < half);
        let (left, right) = out.split_at_mut(middle.clamp(1, out.len() - 1));
        let middle = first + left.len();
        rayon::join(|| self.each_from(first, left, work), || self.each_from(middle, right, work));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let mut rows = Rows::new();
        rows.push([1, 2]);
        rows.push([]);
        rows.push([3]);
        assert_eq!(rows.iter().collect::<Vec<_>>(), [&[1, 2][..], &[], &[3]]);
        assert_eq!((rows.len(), rows.nnz(), rows.row(2)), (3, 3, &[3][..]));
        let mut twice = rows.clone();
        twice.append(rows.clone());
        assert_eq!(twice.iter().collect::<Vec<_>>(), [&[1, 2][..], &[], &[3], &[1, 2], &[], &[3]]);
    }

    #[test]
    fn every_row_is_worked_on_once_however_unequal_they_are() {
        let mut rows = Rows::new();
        (0..3000_usize).for_each(|row| rows.push(0..if row % 1000 == 7 { 60_000 } else { row % 4 }));
        let mut out = vec![(0, 0); rows.len()];
        rows.each_into(&mut out, &|row, items, out| *out = (row, out.1 + 1 + items.len()));
        for (row, &(seen, count)) in out.iter().enumerate() {
            assert_eq!((seen, count), (row, 1 + rows.row(row).len()));
        }
    }

    proptest! {
        #[test]
        fn a_transpose_holds_the_same_cells_in_order(
            lists in prop::collection::vec(prop::collection::vec(0_u32..7, 0..6), 0..12),
        ) {
            let mut rows = Rows::new();
            lists.iter().for_each(|list| rows.push(list.iter().copied()));
            let columns = rows.transpose(7, |row, &column| (column, row as u32));
            for (column, of) in columns.iter().enumerate() {
                let wanted: Vec<u32> = (0_u32..)
                    .zip(&lists)
                    .flat_map(|(row, list)| list.iter().filter(|&&at| at as usize == column).map(move |_| row))
                    .collect();
                prop_assert_eq!(of, wanted);
            }
        }
    }
}
