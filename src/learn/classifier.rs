//! The learner under linfa's own traits, for use with its `Dataset` and whatever builds on it.

use linfa::dataset::{AsTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, Array2, ArrayBase, ArrayView2, Data, Ix1, Ix2};

use super::logistic::{Scheme, Weights, most_probable, probabilities};
use super::path::LearnConfig;
use super::solver::fit;
use crate::error::{Error, Result};

/// Parameters of a fit on dense rows.
///
/// ```
/// use kzstance::learn::Logistic;
/// use linfa::prelude::*;
/// use ndarray::array;
///
/// let data = Dataset::new(array![[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.9, 0.2]], array![0, 0, 1, 1]);
/// let classifier = Logistic { c: 10.0, ..Logistic::default() }.fit(&data)?;
/// assert_eq!(classifier.predict(&data), array![0, 0, 1, 1]);
/// # Ok::<(), kzstance::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// Inverse strength of the penalty.
    pub c: f64,
    /// Scheme, class weights, solver and tolerance (its path of C and its folds are not used).
    pub config: LearnConfig,
}

impl Default for Logistic {
    fn default() -> Self {
        Logistic { c: 1.0, config: LearnConfig::default() }
    }
}

/// A fitted classifier of dense rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Classifier {
    weights: Weights,
    scheme: Scheme,
    /// Names of the classes, rising; a prediction is one of them.
    pub classes: Vec<usize>,
}

impl<D: Data<Elem = f64>, T: AsTargets<Elem = usize, Ix = Ix1>> Fit<ArrayBase<D, Ix2>, T, Error>
    for Logistic
{
    type Object = Classifier;

    /// Fits rows (samples x features) to classes named by any numbers.
    ///
    /// Examples' weights of the dataset are refused, not ignored; class weights are those of the
    /// configuration.
    fn fit(&self, dataset: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<Classifier> {
        let targets = dataset.as_targets();
        if dataset.weights().is_some() {
            return Err(Error::Usage(
                "weights of single examples are not offered; set class_weight instead".into(),
            ));
        }
        let mut classes: Vec<usize> = targets.iter().copied().collect();
        classes.sort_unstable();
        classes.dedup();
        if classes.len() < 2 {
            return Err(Error::TooFew("a classifier wants examples of two classes at least".into()));
        }
        if targets.len() != dataset.records().nrows() {
            return Err(Error::Usage("there must be one target for each row".into()));
        }
        if dataset.records().iter().any(|value| !value.is_finite()) {
            return Err(Error::Usage("a row holds a value that is not finite".into()));
        }
        let numbers: Vec<usize> =
            targets.iter().map(|class| classes.partition_point(|known| known < class)).collect();
        let config = LearnConfig { c: vec![self.c], ..self.config.clone() };
        config.check()?;
        let task = config.task(&numbers, classes.len(), self.c, config.tolerance);
        let found = fit(config.solver, &dataset.records().view(), &task, None)?;
        let found = found.require_converged(config.tolerance, "the fit")?;
        Ok(Classifier { weights: found.weights, scheme: config.scheme, classes })
    }
}

impl Classifier {
    /// The class probabilities of each row: (samples x classes).
    pub fn predict_proba(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        let features = self.weights.coefficients.len() / self.weights.columns;
        assert_eq!(rows.ncols(), features, "rows must have the features that were fitted");
        let scores = self.weights.scores(&rows);
        let mut all = Array2::zeros((rows.nrows(), self.classes.len()));
        for (mut to, scores) in all.rows_mut().into_iter().zip(scores.chunks_exact(self.weights.columns)) {
            to.assign(&Array1::from_vec(probabilities(self.scheme, scores)));
        }
        all
    }

    /// The fitted weights.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }
}

impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<usize>> for Classifier {
    fn predict_inplace(&self, rows: &ArrayBase<D, Ix2>, targets: &mut Array1<usize>) {
        let all = self.predict_proba(rows.view());
        for (target, p) in targets.iter_mut().zip(all.rows()) {
            *target = self.classes[most_probable(&p.to_vec())];
        }
    }

    fn default_target(&self, rows: &ArrayBase<D, Ix2>) -> Array1<usize> {
        Array1::zeros(rows.nrows())
    }
}
