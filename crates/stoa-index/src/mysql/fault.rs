//! What it means that `MySQL` did not do something.

use mysql_async::Error;

use crate::{Fault, IndexError};

/// The meaning of an error. Its own text comes from the library or the server, which repeat no password.
pub(super) fn meaning(error: Error) -> IndexError {
    let code = match &error {
        Error::Server(error) => Some(error.code),
        _ => None,
    };
    let fault = |text: &str| Fault::because(text, error);
    match code {
        None => IndexError::Unreachable(fault("the connection to its server failed")),
        Some(1045 | 1698 | 3118 | 4151) => {
            IndexError::NotPermitted(fault("its server refuses the user or the password"))
        }
        Some(1044 | 1142 | 1143 | 1227 | 1370) => {
            IndexError::NotPermitted(fault("its server does not let the user do what is needed"))
        }
        Some(1049) => IndexError::BadAddress(fault("its server has no such database")),
        Some(1021 | 1041 | 1114 | 1206) => IndexError::Full(fault("its server has no room left")),
        // A missing table or column, a broken table or index.
        Some(1146 | 1054 | 1034 | 1035 | 1194 | 1195 | 1712 | 1932) => {
            IndexError::Damaged(fault("its tables are not those that this program makes"))
        }
        Some(1290 | 1792 | 1836) => {
            IndexError::Unreachable(fault("its server only lets others read at the moment"))
        }
        Some(1205 | 1213 | 1317 | 1969 | 3024) => {
            IndexError::Unreachable(fault("others have been writing to it for too long"))
        }
        Some(_) => IndexError::Unreachable(fault("its server did not do what was asked")),
    }
}

/// A value is of another type than the column has here.
pub(super) fn misread() -> IndexError {
    IndexError::Damaged("its tables are not those that this program makes".into())
}
