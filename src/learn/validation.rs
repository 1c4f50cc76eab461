//! What was made of judged examples by fits that had not seen them, kept with a model: how it errs.

/// Held-out judgements of one axis, a row an example. All parts are of one length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Validation {
    /// The class given by hand.
    pub truth: Vec<usize>,
    /// The class decided on.
    pub decided: Vec<usize>,
    /// One a class, 0 to 1, summing to 1.
    pub probabilities: Vec<Vec<f64>>,
    /// Which rows belong together (an outlet, near-duplicates): rows of one number are resampled as one.
    pub groups: Vec<usize>,
}

/// How far from 1 stored probabilities, of single precision, may sum.
const SUM_TOLERANCE: f64 = 1e-3;

impl Validation {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.truth.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.truth.is_empty()
    }

    /// Adds a row.
    pub fn push(&mut self, truth: usize, decided: usize, probabilities: Vec<f64>, group: usize) {
        self.truth.push(truth);
        self.decided.push(decided);
        self.probabilities.push(probabilities);
        self.groups.push(group);
    }

    /// Number of rows of each class given by hand. O(rows).
    pub fn counts(&self, n_classes: usize) -> Vec<usize> {
        let mut counts = vec![0; n_classes];
        for &class in &self.truth {
            counts[class] += 1;
        }
        counts
    }

    /// Number of groups. O(rows · log rows).
    pub fn n_groups(&self) -> usize {
        let mut groups = self.groups.clone();
        groups.sort_unstable();
        groups.dedup();
        groups.len()
    }

    /// Number of groups that hold rows of each class given by hand. O(rows · log rows).
    pub fn groups_of_class(&self, n_classes: usize) -> Vec<usize> {
        let mut pairs: Vec<(usize, usize)> =
            self.truth.iter().copied().zip(self.groups.iter().copied()).collect();
        pairs.sort_unstable();
        pairs.dedup();
        (0..n_classes).map(|class| pairs.iter().filter(|pair| pair.0 == class).count()).collect()
    }

    /// The same rows, each a group of its own.
    #[must_use]
    pub fn singly(&self) -> Validation {
        Validation { groups: (0..self.len()).collect(), ..self.clone() }
    }

    /// Checks what was read from a file: lengths, classes in range, probabilities that are such.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self, n_classes: usize) -> Result<(), String> {
        let n = self.truth.len();
        if [self.decided.len(), self.probabilities.len(), self.groups.len()] != [n; 3] {
            return Err("the parts of the held-out judgements differ in length".into());
        }
        if self.truth.iter().chain(&self.decided).any(|&class| class >= n_classes) {
            return Err("a held-out judgement is of a class that is none".into());
        }
        let sound = |row: &Vec<f64>| {
            row.len() == n_classes
                && row.iter().all(|p| (0.0..=1.0).contains(p))
                && (row.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE
        };
        if !self.probabilities.iter().all(sound) {
            return Err("the probabilities of a held-out judgement are none".into());
        }
        Ok(())
    }
}
