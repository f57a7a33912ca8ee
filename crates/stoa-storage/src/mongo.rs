//! Modules in MongoDB.
/// Not yet.
#[derive(Debug)]
pub struct MongoStorage;
