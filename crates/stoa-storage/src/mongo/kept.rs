//! The document of a stored file.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};
use stoa_module::dirhash::H1;

use super::database::{Database, binary, number, size};
use super::grid::{GridFile, GridReader};
use crate::blob::Blob;
use crate::etag::ETag;
use crate::key::{FileKey, module_place};

/// A stored file: what its document says. It is stored once there is this document, whose `_id` is the text of its key.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// No other writing has it, also not of the same key.
    pub(super) uid: ObjectId,
    pub(super) len: u64,
    pub(super) at: SystemTime,
    pub(super) h1: Option<H1>,
    /// The SHA-256 of the content, which files of Athens lack.
    pub(super) sum: Option<String>,
    /// Whether it was made from what Athens keeps.
    pub(super) from_athens: bool,
    pub(super) content: Content,
}

/// Where the bytes are.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Inline(Bytes),
    Grid(GridFile),
}

impl Kept {
    pub(super) fn new(len: u64, content: Content, sum: Option<String>, h1: Option<H1>) -> Self {
        Self {
            uid: ObjectId::new(),
            len,
            at: SystemTime::now(),
            h1,
            sum,
            from_athens: false,
            content,
        }
    }

    pub(super) fn to_document(&self, key: &FileKey) -> Document {
        let mut document = self.to_document_named(&key.to_string());
        document.insert("place", module_place(key.target.path()));
        document
    }

    /// The document of what is no file of a module.
    pub(super) fn to_document_named(&self, name: &str) -> Document {
        let mut document = doc! {
            "_id": name,
            "uid": self.uid,
            "len": size(self.len),
            "at": DateTime::from_system_time(self.at),
        };
        if let Some(h1) = &self.h1 {
            document.insert("h1", h1.to_string());
        }
        if let Some(sum) = &self.sum {
            document.insert("sum", sum);
        }
        if self.from_athens {
            document.insert("athens", true);
        }
        match &self.content {
            Content::Inline(bytes) => document.insert("data", binary(bytes)),
            Content::Grid(file) => document.insert("grid", file.to_document()),
        };
        document
    }

    pub(super) fn of_document(mut document: Document) -> Option<Self> {
        let len = number(&document, "len")?;
        let content = match (document.remove("data"), document.get_document("grid")) {
            (Some(Bson::Binary(data)), _) => Content::Inline(data.bytes.into()),
            (_, Ok(grid)) => Content::Grid(GridFile::of_document(grid, len)?),
            _ => return None,
        };
        Some(Self {
            uid: document.get_object_id("uid").ok()?,
            len,
            at: document.get_datetime("at").ok()?.to_system_time(),
            h1: document.get_str("h1").ok().and_then(|text| text.parse().ok()),
            sum: document.get_str("sum").ok().map(str::to_owned),
            from_athens: document.get_bool("athens").unwrap_or(false),
            content,
        })
    }

    pub(super) fn into_blob(self, database: &Database, key: impl fmt::Display) -> Blob {
        let path = PathBuf::from(format!("mongodb:{}/{key}", database.name()));
        let tag = self.h1.map(|h1| ETag::of_zip(&h1, self.len));
        match self.content {
            Content::Inline(bytes) => {
                let tag = tag.unwrap_or_else(|| ETag::of_content(&bytes));
                Blob::from_bytes(path, bytes, tag)
            }
            Content::Grid(file) => {
                let told = self.sum.unwrap_or_else(|| format!("{}-{}", file.id, self.len));
                let tag = tag.unwrap_or_else(|| ETag::of_content(told.as_bytes()));
                let database = database.clone();
                let reader = Arc::new(GridReader { database, file });
                Blob::from_reader(path, reader, self.len, tag)
            }
        }
    }
}
