#![doc = include_str!("../README.md")]
//!
//! # The parts
//!
//! - A client begins a [`Hello`], sends its body, and makes a [`Session`] of the answer. A [`SessionSlot`] keeps it.
//! - A server has [`Sessions`], which answer hellos and judge requests.
//! - Both make an [`Exchange`] of each request. The server's writes the frames of the answer by a [`FrameWriter`], the
//!   client's reads them by a [`FrameReader`].
//! - [`names`] has the path and the headers; a [`Refusal`] is what a server says in place of an answer.

mod error;
mod exchange;
mod frame;
mod frame_reader;
mod frame_writer;
mod hello;
mod hello_answer;
mod hello_message;
mod hex;
mod mac;
pub mod names;
mod node;
mod refusal;
mod replay_window;
mod request;
mod request_tag;
mod secret;
mod server_session;
mod session;
mod session_id;
mod session_slot;
mod session_table;
mod sessions;
mod signed;

pub use error::PeerError;
pub use exchange::Exchange;
pub use frame::{LARGEST_DATA, LARGEST_DOCUMENT};
pub use frame_reader::{FrameEvent, FrameReader};
pub use frame_writer::FrameWriter;
pub use hello::Hello;
pub use node::{InstanceId, Node, NodeId, NodeIdError};
pub use refusal::{Refusal, RefusalError};
pub use replay_window::WINDOW;
pub use request::Request;
pub use request_tag::RequestTag;
pub use secret::{Secret, SecretError, Secrets};
pub use session::Session;
pub use session_id::SessionId;
pub use session_slot::SessionSlot;
pub use sessions::{Caller, Sessions, SessionsOptions};
pub use signed::{LARGEST_HELLO, VERSION};
