//! Registrations in a real etcd.

mod conforms;
mod history;
mod http;
mod place;
mod trouble;
mod users;
