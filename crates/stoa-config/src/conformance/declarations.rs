//! Declarations that cannot be told apart.

use std::collections::BTreeSet;

use crate::tables::Tables;

/// What is wrong with the declarations themselves: two keys with one variable or one name, two tables with one name, a
/// table with a dot in its name that is not repeated, a key without help. Empty for a good configuration.
pub fn declarations(tables: &Tables) -> Vec<String> {
    let mut faults = Vec::new();
    let mut variables = BTreeSet::from([tables.file_variable()]);
    for table in tables.once() {
        for key in table.all_keys() {
            let variable = tables.variable(table, key);
            if !variables.insert(variable.clone()) {
                faults.push(format!("two keys have the variable {variable}"));
            }
        }
        if table.name.contains('.') {
            faults.push(format!("[{}]: only a repeated table has a dot", table.name));
        }
    }
    let mut names = BTreeSet::new();
    for table in tables.all() {
        if !table.name.is_empty() && !names.insert(table.name) {
            faults.push(format!("two tables have the name {}", table.name));
        }
        let mut keys = BTreeSet::new();
        for key in table.all_keys() {
            if !keys.insert(key.name) {
                faults.push(format!("two keys have the name {}", table.path(key.name)));
            }
            if key.help.is_empty() {
                faults.push(format!("{} has no help", table.path(key.name)));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        key::Key,
        lab,
        table::{Repeated, Table},
    };

    #[test]
    fn good_declarations_have_no_fault() {
        assert_eq!(declarations(&lab::tables()), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_found() {
        const KEY: Key = Key::new("key", "", "help");
        const NONE: Repeated = Repeated {
            noun: "",
            help: "",
            sample: &[],
        };
        const TABLES: &[Table] = &[
            Table::once(
                "",
                &[Key::new("a_key", "", "help"), Key::new("config", "", "help")],
            ),
            Table::once("a", &[KEY]),
            Table::once("b.c", &[]),
            Table::once("d", &[KEY, KEY]),
            Table::once("e", &[Key::new("f", "", "")]),
            Table::repeated("g", NONE, &[KEY]),
            Table::repeated("g", NONE, &[KEY]),
        ];
        let want = [
            "two keys have the variable SHOP_CONFIG",
            "two keys have the variable SHOP_A_KEY",
            "[b.c]: only a repeated table has a dot",
            "two keys have the variable SHOP_D_KEY",
            "two keys have the name d.key",
            "e.f has no help",
            "two tables have the name g",
        ];
        assert_eq!(declarations(&Tables::new("shop", &[TABLES])), want);
    }
}
