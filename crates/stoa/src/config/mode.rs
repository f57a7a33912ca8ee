//! `[[mode]]`.

use stoa_config::{Key, Occurrence, Reader, Repeated, Section, Table};
use stoa_module::PatternList;
use stoa_proxy::Mode;

use super::values::modules;

const MATCH: Key =
    Key::required("match", "module paths: comma-separated globs, as in GOPRIVATE").at_run_time();
const MODE: Key = Key::required(
    "mode",
    "sync: clients wait for what is not stored; async: they are answered 404, and it is brought in by a job",
);

const TABLE: Table = Table::repeated(
    "mode",
    Repeated {
        noun: "a mode",
        help: "whether clients wait for modules that match; the first match wins, the default is sync",
        sample: &[(MATCH, "github.com/large/*"), (MODE, "async")],
    },
    &[MATCH, MODE],
);

/// All modes, and the words for them.
const MODES: [(&str, Mode); 2] = [("sync", Mode::Sync), ("async", Mode::Async)];

/// Whether clients wait, by module.
#[derive(Clone, Debug)]
pub(crate) struct ModesConfig {
    /// The first match wins.
    pub(crate) rules: Vec<(PatternList, Mode)>,
}

impl ModesConfig {
    /// Whether anything is brought in while no client waits.
    pub(crate) fn has_async(&self) -> bool {
        self.rules.iter().any(|(_, mode)| *mode == Mode::Async)
    }
}

impl Section for ModesConfig {
    const TABLES: &'static [Table] = &[TABLE];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let rules = reader.each(&TABLE, rule);
        Some(Self { rules: rules? })
    }
}

fn rule(rule: &mut Occurrence<'_, '_>) -> Option<(PatternList, Mode)> {
    let patterns = rule.value(&MATCH, modules);
    let mode = rule.value(&MODE, mode);
    Some((patterns?, mode?))
}

fn mode(text: &str) -> Result<Mode, String> {
    let mode = MODES.iter().find(|(word, _)| *word == text);
    mode.map(|(_, mode)| *mode).ok_or_else(|| {
        let words = MODES.map(|(word, _)| word).join(" or ");
        format!("bad mode {text:?}: write {words}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::lab::config;

    #[test]
    fn the_first_match_wins() {
        let of =
            |patterns: &str, mode: &str| format!("[[mode]]\nmatch = \"{patterns}\"\nmode = \"{mode}\"\n");
        let config =
            config(&(of("corp.example/small, own.example", "sync") + &of("corp.example/*", "async")));
        let modes = config.expect("good").modes;
        assert!(modes.has_async());
        let modes = stoa_proxy::Modes {
            rules: modes.rules,
            ..stoa_proxy::Modes::default()
        };
        for (module, mode) in [
            ("corp.example/small/v2", Mode::Sync),
            ("corp.example/large", Mode::Async),
            ("other.example/x", Mode::Sync),
        ] {
            assert_eq!(modes.of(module), mode, "{module}");
        }
    }

    #[test]
    fn what_is_no_mode_is_told() {
        assert_eq!(
            mode("later").expect_err("a word"),
            "bad mode \"later\": write sync or async"
        );
    }
}
