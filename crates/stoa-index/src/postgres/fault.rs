//! What it means that `PostgreSQL` did not do something.

use tokio_postgres::Error;

use crate::{Fault, IndexError};

/// The meaning of an error. Its own text comes from the library or the server, which repeat no password.
pub(super) fn meaning(error: Error) -> IndexError {
    let code = error.as_db_error().map(|error| error.code().code().to_owned());
    let fault = |text: &str| Fault::because(text, error);
    match code.as_deref() {
        None => IndexError::Unreachable(fault("the connection to its server failed")),
        Some("28000" | "28P01") => {
            IndexError::NotPermitted(fault("its server refuses the user or the password"))
        }
        Some("42501") => {
            IndexError::NotPermitted(fault("its server does not let the user do what is needed"))
        }
        Some("3D000" | "3F000") => IndexError::BadAddress(fault("its server has no such database")),
        Some("53100" | "54000") => IndexError::Full(fault("its server has no room left")),
        // A missing table or column, a broken page or index, a value of another type.
        Some("42P01" | "42703" | "42804" | "XX001" | "XX002") => {
            IndexError::Damaged(fault("its tables are not those that this program makes"))
        }
        Some("25006") => IndexError::Unreachable(fault("its server only lets others read at the moment")),
        Some("57014" | "55P03" | "40P01" | "40001") => {
            IndexError::Unreachable(fault("others have been writing to it for too long"))
        }
        Some(_) => IndexError::Unreachable(fault("its server did not do what was asked")),
    }
}

/// A value is of another type than the column has here.
pub(super) fn misread(error: Error) -> IndexError {
    IndexError::Damaged(Fault::because(
        "its tables are not those that this program makes",
        error,
    ))
}
