//! The keys of `[vcs]` that bound programs.

use stoa_config::{
    Key, Occurrence,
    values::{ByteSize, bound, count, deadline},
};
use stoa_vcs::process::PlacesOptions;

pub(super) const PROGRAMS: Key = Key::new(
    "programs",
    "32",
    "programs of version control systems that talk to servers at once; as many again may read local copies",
);
pub(super) const PROGRAMS_PER_HOST: Key = Key::new(
    "programs_per_host",
    "8",
    "how many of them may be for repositories of one host",
);
pub(super) const PROGRAMS_QUEUE: Key = Key::new(
    "programs_queue",
    "256",
    "questions that wait for programs of one host; more are answered with 503",
);
pub(super) const PROGRAMS_WAIT: Key = Key::new(
    "programs_wait",
    "30s",
    "how long a question waits for a program before it is answered with 503",
);
pub(super) const PROGRAM_MEMORY: Key = Key::new(
    "program_memory",
    "1GiB",
    "memory that one program may fill; packs and other files that it only reads do not count",
);

/// With less, not even small repositories could be read.
const LEAST_PROGRAM_MEMORY: u64 = 32 << 20;

fn program_memory(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse()?;
    match size.0 {
        LEAST_PROGRAM_MEMORY.. => Ok(size),
        _ => Err("must be 32MiB or more".to_owned()),
    }
}

/// How much the programs of version control systems may use of the machine.
#[derive(Clone, Debug)]
pub(crate) struct ProgramsConfig {
    /// How many may run at once.
    pub(crate) places: PlacesOptions,
    /// How much memory each of them may fill, in bytes.
    pub(crate) memory: u64,
}

pub(super) fn read(vcs: &mut Occurrence<'_, '_>) -> Option<ProgramsConfig> {
    let total = vcs.value(&PROGRAMS, bound);
    let per_host = vcs.value(&PROGRAMS_PER_HOST, bound);
    let queue = vcs.value(&PROGRAMS_QUEUE, count);
    let wait = vcs.value(&PROGRAMS_WAIT, deadline);
    let memory = vcs.value(&PROGRAM_MEMORY, program_memory);
    Some(ProgramsConfig {
        places: PlacesOptions {
            total: total?,
            per_host: per_host?,
            queue: queue?,
            wait: wait?,
        },
        memory: memory?.0,
    })
}

#[cfg(test)]
mod tests {
    use crate::config::lab::config;

    #[test]
    fn bounds_that_nothing_could_run_in_are_refused() {
        for (key, why) in [
            ("programs = 0", "write a whole number from 1"),
            ("programs_per_host = 0", "write a whole number from 1"),
            ("programs_wait = \"0s\"", "must be more than zero"),
            ("program_memory = \"1MiB\"", "must be 32MiB or more"),
        ] {
            let fault = config(&format!("[vcs]\n{key}\n")).expect_err(key).to_string();
            assert!(fault.contains(why), "{key}: {fault}");
        }
    }
}
