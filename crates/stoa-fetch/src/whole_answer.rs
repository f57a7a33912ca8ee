//! Small answers, read to their end and looked at.

use futures_util::{StreamExt, future::ready, stream};
use stoa_module::{Info, Resource, modfile::check_go_mod};

use crate::{FetchError, Fetched, Question};

/// An answer that is whole and can be the answer to the question, as far as that can be told: it is read first, but for a
/// zip, and what a repository says.
///
/// What is taken here may still be refused where more is known. A list has no form that anything could break.
///
/// # Errors
///
/// [`FetchError::Invalid`] if it is another text; those of the body.
pub(crate) async fn whole_answer(question: &Question, fetched: Fetched) -> Result<Fetched, FetchError> {
    let resource = &question.resource;
    if matches!(resource, Resource::Zip(_)) || fetched.of_repository {
        return Ok(fetched);
    }
    let source_name = fetched.source_name.clone();
    let bytes = fetched.bytes().await?;
    let checked = match resource {
        Resource::List(_) | Resource::Zip(_) => Ok(()),
        Resource::Mod(target) => check_go_mod(target.path(), &bytes).map_err(|error| error.to_string()),
        Resource::Latest(_) | Resource::Query(..) | Resource::Info(_) => Info::parse_answer(resource, &bytes)
            .map(|_info| ())
            .map_err(|error| error.to_string()),
    };
    checked.map_err(|reason| FetchError::invalid(&source_name, reason))?;
    let len = bytes.len() as u64;
    Fetched::new(
        source_name,
        Some(len),
        len,
        stream::once(ready(Ok(bytes))).boxed(),
    )
}
