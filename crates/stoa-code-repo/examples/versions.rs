//! Lists the versions of a module in a git repository, and prints the `.info` of its latest one.
//!
//! ```sh
//! cargo run --package stoa-code-repo --example versions -- https://github.com/rsc/quote github.com/rsc/quote
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example prints")]

use std::{error::Error, process::ExitCode, sync::Arc};

use stoa_code_repo::{CodeLimits, CodeRepo};
use stoa_module::ModulePath;
use stoa_vcs::{
    cache::Cache,
    git::{GitOptions, GitRepository, RepoUrl},
};

/// How much the clones may take, in bytes.
const CACHE_SIZE: u64 = 1 << 30;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, module] = arguments.as_slice() else {
        eprintln!("usage: versions URL MODULE");
        return ExitCode::from(2);
    };
    match versions(url, module).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn versions(url: &str, module: &str) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let cache = Cache::open(dir.path(), CACHE_SIZE)?;
    let git = GitRepository::open(RepoUrl::parse(url)?, cache, GitOptions::default())?;
    let module = ModulePath::parse(module)?;
    let (root, _) = module.split();
    let root = root.to_owned();
    let repo = CodeRepo::new(Arc::new(git), &root, "", module, CodeLimits::default())?;
    for version in &repo.versions().await?.list {
        println!("{version}");
    }
    println!("{}", repo.latest().await?.info.to_json());
    Ok(())
}
