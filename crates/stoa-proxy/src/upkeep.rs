//! What operators do to what is stored: look, remove, make room.

mod gc;
mod gc_report;
mod gc_rounds;
mod gc_rules;
mod intake;
mod keep_list;
mod other_nodes;
mod removals;
mod remover;

pub use gc::Gc;
pub use gc_report::{GcItem, GcReport, Kept};
pub use gc_rounds::{GcRounds, GcState};
pub use gc_rules::GcRules;
pub use intake::Intake;
pub use keep_list::KeepList;
pub use other_nodes::{NodeTold, OtherNodes, OtherNodesSlot};
pub use removals::{Forget, Removals};
pub use remover::{Removed, Remover};
