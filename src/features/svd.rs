//! The largest singular values of a big sparse matrix, and their left vectors, by random projection.
//!
//! Halko, Martinsson & Tropp (2011), *Finding structure with randomness: probabilistic algorithms for
//! constructing approximate matrix decompositions*, algorithms 4.4 and 5.1. With A (m x n), a matrix Ω
//! (n x s) of normal numbers, s = rank + 20, and orth(Y) an orthonormal basis of the columns of Y:
//!
//! ```text
//! Q = orth(A·Ω);   3 times:  Q = orth(A · orth(Aᵀ·Q))
//! Qᵀ·A·Aᵀ·Q = V·S²·Vᵀ      (s x s, by Jacobi rotations)
//! U = Q·V,  S              the first `rank` columns of each
//! ```
//!
//! Cells of A are kept in single precision, since they are many; everything dense, and every sum, is in
//! double: m x s numbers are few beside the cells, and products wait for memory more than they compute.
//! Each sum runs in an order that does not depend on the number of threads, and nothing but + - * /,
//! square roots and `libm` is used, so results are the same to the last bit everywhere.

use rand::RngCore;
use rayon::prelude::*;

use crate::sparse::Rows;

/// Columns of the random matrix beyond those that are wanted.
pub(super) const OVERSAMPLING: usize = 20;
/// Products with A·Aᵀ that sharpen the basis.
const POWER_ITERATIONS: usize = 3;
/// Rows that are worked on together; partial sums are per batch, so this is part of the result.
const BATCH: usize = 512;
/// A column that is within this (squared, relative to its own length) of those before it is rounding.
const LEAST_PIVOT: f64 = 1e-13;
/// Singular values below this share of the largest cannot be told from 0, since they are found as the
/// roots of eigenvalues.
const LEAST_VALUE: f64 = 1e-7;
/// Jacobi sweeps at most; about 10 are used.
const MOST_SWEEPS: usize = 60;

/// A sparse matrix: for each row its columns, rising, with their values.
pub(super) type Cells = Rows<(u32, f32)>;

/// What [`truncated`] finds.
#[derive(Debug)]
pub(super) struct Svd {
    /// Left singular vectors, rows of A x rank, row by row. In each the component that is largest by
    /// its absolute value (the first of equals) is above 0.
    pub(super) left: Vec<f64>,
    /// Singular values, falling; 0 where they cannot be told from 0, and there the vector is 0 too.
    pub(super) values: Vec<f64>,
}

/// The first `rank` singular values and left singular vectors of `a`, which has `columns` columns.
/// Where rank + 20 reaches the smaller side of A they are exact up to rounding.
///
/// With c cells, m rows and s = rank + 20, this takes O((c + m·s)·s) time for each of 8 products,
/// O(s³) for the Jacobi rotations, and O(c + m·s) memory.
pub(super) fn truncated(a: &Cells, columns: usize, rank: usize, rng: &mut impl RngCore) -> Svd {
    let sketch = (rank + OVERSAMPLING).min(columns).min(a.len());
    let rank = rank.min(sketch);
    if rank == 0 {
        return Svd { left: Vec::new(), values: Vec::new() };
    }
    let transposed = transposed(a, columns);
    let mut basis = product(a, &normal_numbers(columns * sketch, rng), sketch);
    orthonormalise(&mut basis, sketch);
    for _ in 0..POWER_ITERATIONS {
        let mut other = product(&transposed, &basis, sketch);
        orthonormalise(&mut other, sketch);
        basis = product(a, &other, sketch);
        orthonormalise(&mut basis, sketch);
    }
    let small = gram(&product(&transposed, &basis, sketch), sketch);
    let (eigenvalues, eigenvectors) = eigen(small, sketch);
    let values: Vec<f64> = eigenvalues[..rank].iter().map(|value| value.max(0.0).sqrt()).collect();
    let least = values[0] * LEAST_VALUE;
    let values: Vec<f64> = values.into_iter().map(|value| if value > least { value } else { 0.0 }).collect();
    let mut left = vec![0.0; a.len() * rank];
    left.par_chunks_mut(rank).zip(basis.par_chunks(sketch)).for_each(|(out, row)| {
        for (column, out) in out.iter_mut().enumerate().filter(|(column, _)| values[*column] > 0.0) {
            let vector = &eigenvectors[column * sketch..(column + 1) * sketch];
            *out = vector.iter().zip(row).map(|(v, q)| v * q).sum();
        }
    });
    fix_signs(&mut left, rank);
    Svd { left, values }
}

/// Aᵀ.
fn transposed(a: &Cells, columns: usize) -> Cells {
    let mut sizes = vec![0; columns];
    a.iter().flatten().for_each(|&(column, _)| sizes[column as usize] += 1);
    let mut rows: Vec<Vec<(u32, f32)>> = sizes.into_iter().map(Vec::with_capacity).collect();
    for (number, row) in a.iter().enumerate() {
        for &(column, value) in row {
            rows[column as usize].push((number as u32, value));
        }
    }
    let mut transposed = Rows::new();
    rows.into_iter().for_each(|row| transposed.push(row));
    transposed
}

/// A·D, where D has `width` columns; row by row, as all dense matrices here.
fn product(a: &Cells, dense: &[f64], width: usize) -> Vec<f64> {
    let mut out = vec![0.0; a.len() * width];
    out.par_chunks_mut(width).enumerate().for_each(|(number, sum)| {
        for &(column, value) in a.row(number) {
            let start = column as usize * width;
            add(sum, &dense[start..start + width], f64::from(value));
        }
    });
    out
}

#[inline]
fn add(sum: &mut [f64], term: &[f64], factor: f64) {
    for (sum, term) in sum.iter_mut().zip(term) {
        *sum += factor * term;
    }
}

/// The upper triangle of Dᵀ·D (width x width); what lies below is 0.
fn gram(dense: &[f64], width: usize) -> Vec<f64> {
    let part = |rows: &[f64]| {
        let mut sum = vec![0.0; width * width];
        for row in rows.chunks_exact(width) {
            for (first, &value) in row.iter().enumerate() {
                add(&mut sum[first * width + first..(first + 1) * width], &row[first..], value);
            }
        }
        sum
    };
    let parts: Vec<Vec<f64>> = dense.par_chunks(BATCH * width).map(part).collect();
    let mut gram = vec![0.0; width * width];
    parts.iter().for_each(|part| add(&mut gram, part, 1.0));
    gram
}

/// Makes the columns orthonormal, each in the span of itself and those before it, by Cholesky-QR done
/// twice (Fukaya, Nakatsukasa, Yanagisawa & Yamamoto 2014). A column that those before it span becomes 0.
fn orthonormalise(dense: &mut [f64], width: usize) {
    for _ in 0..2 {
        let factor = cholesky(gram(dense, width), width);
        dense.par_chunks_mut(width).with_min_len(BATCH).for_each(|row| {
            for column in 0..width {
                let (done, rest) = row.split_at_mut(column + 1);
                let factors = &factor[column * width..(column + 1) * width];
                let value = &mut done[column];
                *value *= factors[column];
                add(rest, &factors[column + 1..], -*value);
            }
        });
    }
}

/// R of G = Rᵀ·R, from the upper triangle of G, with 1/R on the diagonal. Where nothing of a column is left
/// its row is 0.
fn cholesky(mut gram: Vec<f64>, width: usize) -> Vec<f64> {
    let lengths: Vec<f64> = (0..width).map(|column| gram[column * width + column]).collect();
    for column in 0..width {
        let (done, below) = gram.split_at_mut((column + 1) * width);
        let row = &mut done[column * width..];
        let pivot = row[column];
        if !(pivot > lengths[column] * LEAST_PIVOT && pivot > f64::MIN_POSITIVE) {
            row[column..].fill(0.0);
            continue;
        }
        let inverse = 1.0 / pivot.sqrt();
        row[column..].iter_mut().for_each(|value| *value *= inverse);
        for (other, rest) in
            below.chunks_exact_mut(width).enumerate().map(|(at, rest)| (column + 1 + at, rest))
        {
            add(&mut rest[other..], &row[other..], -row[other]);
        }
        row[column] = inverse;
    }
    gram
}

/// Eigenvalues, falling, and eigenvectors, one a row, of a symmetric matrix given by its upper triangle:
/// Jacobi's rotations, in a fixed order.
fn eigen(mut a: Vec<f64>, width: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors = vec![0.0; width * width];
    for row in 0..width {
        vectors[row * width + row] = 1.0;
        for column in 0..row {
            a[row * width + column] = a[column * width + row];
        }
    }
    let size: f64 = a.iter().map(|value| value * value).sum::<f64>().sqrt();
    let negligible = size * f64::EPSILON / (16.0 * width as f64);
    for _ in 0..MOST_SWEEPS {
        let mut moved = false;
        for p in 0..width {
            for q in p + 1..width {
                let off = a[p * width + q];
                if off.abs() <= negligible {
                    continue;
                }
                moved = true;
                let theta = (a[q * width + q] - a[p * width + p]) / (2.0 * off);
                let tangent = 1.0 / (theta.abs() + (theta * theta + 1.0).sqrt());
                let tangent = if theta < 0.0 { -tangent } else { tangent };
                let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
                let sine = tangent * cosine;
                rotate_rows(&mut a, width, (p, q), (cosine, sine));
                for row in a.chunks_exact_mut(width) {
                    (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
                }
                rotate_rows(&mut vectors, width, (p, q), (cosine, sine));
            }
        }
        if !moved {
            break;
        }
    }
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&x, &y| a[y * width + y].total_cmp(&a[x * width + x]));
    let values = order.iter().map(|&at| a[at * width + at]).collect();
    let sorted = order.iter().flat_map(|&at| vectors[at * width..(at + 1) * width].iter().copied());
    (values, sorted.collect())
}

fn rotate_rows(a: &mut [f64], width: usize, (p, q): (usize, usize), (cosine, sine): (f64, f64)) {
    let (above, below) = a.split_at_mut(q * width);
    for (x, y) in above[p * width..(p + 1) * width].iter_mut().zip(&mut below[..width]) {
        (*x, *y) = (cosine * *x - sine * *y, sine * *x + cosine * *y);
    }
}

/// Turns each column so that its largest component is above 0.
fn fix_signs(dense: &mut [f64], width: usize) {
    let mut largest = vec![0.0_f64; width];
    for row in dense.chunks_exact(width) {
        for (largest, &value) in largest.iter_mut().zip(row) {
            if value.abs() > largest.abs() {
                *largest = value;
            }
        }
    }
    for row in dense.chunks_exact_mut(width) {
        for (value, _) in row.iter_mut().zip(&largest).filter(|(_, largest)| **largest < 0.0) {
            *value = -*value;
        }
    }
}

/// So many standard normal numbers, by the method of Box & Muller (1958), in pairs.
fn normal_numbers(count: usize, rng: &mut impl RngCore) -> Vec<f64> {
    // Above 0, 1 at most, in steps of 2^-53.
    let mut uniform = || ((rng.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
    let mut numbers = Vec::with_capacity(count + 1);
    while numbers.len() < count {
        let length = (-2.0 * libm::log(uniform())).sqrt();
        let (sine, cosine) = libm::sincos(2.0 * std::f64::consts::PI * uniform());
        numbers.extend([length * cosine, length * sine]);
    }
    numbers.truncate(count);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::RngSeed;
    use proptest::prelude::*;

    fn cells(dense: &[Vec<f64>]) -> Cells {
        let mut cells = Rows::new();
        for row in dense {
            let row = row.iter().enumerate().filter(|(_, value)| **value != 0.0);
            cells.push(row.map(|(column, &value)| (column as u32, value as f32)));
        }
        cells
    }

    /// Singular values, falling, and left vectors of a dense matrix with as few columns as rows or fewer,
    /// by one-sided Jacobi rotations (Hestenes 1958).
    fn exact(dense: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
        let mut columns: Vec<Vec<f64>> =
            (0..dense[0].len()).map(|column| dense.iter().map(|row| row[column]).collect()).collect();
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        for _ in 0..60 {
            for p in 0..columns.len() {
                for q in p + 1..columns.len() {
                    let (x, y) = (columns[p].clone(), columns[q].clone());
                    let (alpha, beta, gamma) = (dot(&x, &x), dot(&y, &y), dot(&x, &y));
                    if gamma.abs() <= 1e-16 * (alpha * beta).sqrt() {
                        continue;
                    }
                    let zeta = (beta - alpha) / (2.0 * gamma);
                    let t = zeta.signum() / (zeta.abs() + (1.0 + zeta * zeta).sqrt());
                    let c = 1.0 / (1.0 + t * t).sqrt();
                    columns[p] = x.iter().zip(&y).map(|(x, y)| c * (x - t * y)).collect();
                    columns[q] = x.iter().zip(&y).map(|(x, y)| c * (t * x + y)).collect();
                }
            }
        }
        columns.sort_by(|x, y| dot(y, y).total_cmp(&dot(x, x)));
        let values: Vec<f64> = columns.iter().map(|column| dot(column, column).sqrt()).collect();
        let unit = columns.iter().zip(&values);
        let left = unit.map(|(column, value)| column.iter().map(|x| x / value).collect()).collect();
        (values, left)
    }

    /// Normal numbers, rounded as cells are, columns shrinking by `shrink`.
    fn random(rows: usize, columns: usize, shrink: f64, name: &str) -> Vec<Vec<f64>> {
        let numbers = normal_numbers(rows * columns, &mut RngSeed(1).stream(name));
        let row = |row: &[f64]| -> Vec<f64> {
            let shrunk = row.iter().enumerate().map(|(at, x)| x * shrink.powi(at as i32));
            shrunk.map(|x| f64::from(x as f32)).collect()
        };
        numbers.chunks(columns).map(row).collect()
    }

    fn assert_near(dense: &[Vec<f64>], rank: usize) {
        let (values, left) = exact(dense);
        let found = truncated(&cells(dense), dense[0].len(), rank, &mut RngSeed(2).stream("vectors"));
        assert_eq!((found.values.len(), found.left.len()), (rank, dense.len() * rank));
        for column in 0..rank {
            assert!((found.values[column] - values[column]).abs() < 1e-6, "value {column}");
            let vector: Vec<f64> = found.left.chunks(rank).map(|row| row[column]).collect();
            let largest = vector.iter().copied().max_by(|x, y| x.abs().total_cmp(&y.abs())).unwrap();
            assert!(largest > 0.0, "sign of {column}");
            let cosine: f64 = vector.iter().zip(&left[column]).map(|(x, y)| x * y).sum();
            for (x, y) in vector.iter().zip(&left[column]) {
                assert!((x - y * cosine.signum()).abs() < 1e-6, "vector {column}: {x} {y}");
            }
        }
    }

    #[test]
    fn it_is_exact_where_the_random_matrix_is_as_large_as_the_matrix() {
        assert_near(&random(40, 25, 1.0, "square"), 25);
        assert_near(&random(30, 30, 1.0, "quite square"), 10);
    }

    #[test]
    fn large_singular_values_of_a_larger_matrix_are_found() {
        assert_near(&random(90, 60, 0.8, "shrinking"), 10);
    }

    #[test]
    fn what_has_no_size_is_0() {
        let mut dense = random(30, 25, 1.0, "deficient");
        for row in &mut dense {
            // Columns 3 to 24 repeat the first three: the rank is 3.
            (3..25).for_each(|column| row[column] = row[column % 3] * 2.0);
        }
        dense[7].fill(0.0);
        let found = truncated(&cells(&dense), 25, 5, &mut RngSeed(2).stream("vectors"));
        assert!(found.values[..3].iter().all(|value| *value > 1.0));
        assert_eq!(found.values[3..], [0.0, 0.0]);
        assert!(found.left.chunks(5).all(|row| row[3..] == [0.0, 0.0]));
        assert_eq!(found.left[35..40], [0.0; 5]);
        let none = truncated(&cells(&vec![vec![0.0; 30]; 30]), 30, 5, &mut RngSeed(2).stream("vectors"));
        assert!(none.values.iter().chain(&none.left).all(|value| *value == 0.0));
        assert!(truncated(&Rows::new(), 0, 5, &mut RngSeed(2).stream("vectors")).values.is_empty());
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        // Several batches of rows.
        let dense = cells(&random(3 * BATCH + 7, 40, 0.95, "batches"));
        let work = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let found = pool.install(|| truncated(&dense, 40, 9, &mut RngSeed(4).stream("vectors")));
            found.left.iter().chain(&found.values).map(|value| value.to_bits()).collect::<Vec<u64>>()
        };
        let wanted = work(1);
        assert!(work(2) == wanted && work(5) == wanted);
    }

    #[test]
    fn normal_numbers_have_mean_0_and_variance_1() {
        let numbers = normal_numbers(100_001, &mut RngSeed(3).stream("normal"));
        let mean = numbers.iter().sum::<f64>() / 100_001.0;
        let variance = numbers.iter().map(|x| x * x).sum::<f64>() / 100_001.0;
        let beyond = numbers.iter().filter(|x| x.abs() > 1.959964).count() as f64 / 100_001.0;
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02 && (beyond - 0.05).abs() < 0.003);
    }

    proptest! {
        #[test]
        fn bases_are_orthonormal(rows in 1_usize..60, width in 1_usize..12, shrink in 0.01..1.0_f64, name in "[a-z]{4}") {
            let mut dense: Vec<f64> = random(rows, width, shrink, &name).concat();
            orthonormalise(&mut dense, width);
            let gram = gram(&dense, width);
            for p in 0..width {
                for q in p..width {
                    let value = gram[p * width + q];
                    // A column that others span is 0.
                    let wanted = if p == q && value > 0.5 { 1.0 } else { 0.0 };
                    prop_assert!((value - wanted).abs() < 1e-12, "{p} {q} {value}");
                }
            }
        }

        #[test]
        fn transposing_twice_changes_nothing(dense in prop::collection::vec(prop::collection::vec(0_u8..3, 5), 0..9)) {
            let dense: Vec<Vec<f64>> = dense.iter().map(|row| row.iter().map(|&x| f64::from(x)).collect()).collect();
            let cells = cells(&dense);
            let turned = transposed(&cells, 5);
            prop_assert_eq!(turned.len(), 5);
            prop_assert_eq!(transposed(&turned, dense.len()), cells);
        }
    }
}
