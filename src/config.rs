//! All settings of a training run in one place.

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::features::FeatureConfig;
use crate::learn::LearnConfig;
use crate::rng::RngSeed;

/// Everything that decides a model, beside the corpus.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// How words become features.
    pub features: FeatureConfig,
    /// How the heads are fitted.
    pub learn: LearnConfig,
    /// Seed of folds and intervals.
    pub seed: RngSeed,
}

impl TrainConfig {
    /// Checks every value, before any work.
    ///
    /// # Errors
    /// [`crate::Error::Usage`].
    pub fn check(&self) -> Result<()> {
        self.features.check()?;
        self.learn.check()
    }
}
