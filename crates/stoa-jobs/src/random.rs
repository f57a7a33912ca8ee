//! Where ids and the spread of pauses come from.

use std::fmt;

use parking_lot::Mutex;

use crate::JobId;

/// Where ids and the spread of pauses come from.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Ten random bytes.
    fn bytes(&self) -> [u8; 10];

    /// A number from 0 up to 1.
    fn fraction(&self) -> f64;
}

/// The randomness of the machine: nobody can guess the next id.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        getrandom::fill(&mut bytes).expect("the machine gives random bytes");
        bytes
    }

    fn fraction(&self) -> f64 {
        fastrand::f64()
    }
}

/// Randomness that is the same in each run of a test.
#[derive(Debug)]
pub struct SeededRandom(Mutex<fastrand::Rng>);

impl SeededRandom {
    /// The sequence that begins with `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }
}

impl Random for SeededRandom {
    fn bytes(&self) -> [u8; 10] {
        let mut bytes = [0; 10];
        self.0.lock().fill(&mut bytes);
        bytes
    }

    fn fraction(&self) -> f64 {
        self.0.lock().f64()
    }
}

/// A random id.
pub fn random_id(random: &dyn Random) -> JobId {
    loop {
        if let Some(id) = JobId::of_bytes(random.bytes()) {
            return id;
        }
    }
}
