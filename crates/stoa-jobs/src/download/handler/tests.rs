//! Downloads from a scripted origin.

mod classes;
mod disk;
mod limits;
mod publishing;
mod resuming;
mod whole;
