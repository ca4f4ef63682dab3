//! Which crates are published, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use serde_json::Value;

/// The crates that may be published, each after those of them that it needs. Alphabetical where the order is free.
pub(super) fn publish_order(metadata: &Value) -> Result<Vec<String>> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let published = list(&metadata["packages"]).into_iter().filter(|package| {
        // `publish = false` is an empty list of registries.
        package["publish"].as_array().is_none_or(|registries| !registries.is_empty())
    });
    let mut needs: BTreeMap<String, BTreeSet<String>> = published
        .map(|package| {
            let dependencies = list(&package["dependencies"]).into_iter();
            // One for tests without a version is left out of what is published.
            let stays = dependencies.filter(|needed| needed["kind"] != "dev" || needed["req"] != "*");
            let of_workspace = stays.filter(|needed| !needed["path"].is_null());
            (text(&package["name"]), of_workspace.map(|needed| text(&needed["name"])).collect())
        })
        .collect();
    let mut order: Vec<String> = Vec::new();
    while !needs.is_empty() {
        let ready = needs.iter().find(|(_, needed)| needed.iter().all(|name| order.contains(name)));
        let Some(name) = ready.map(|(name, _)| name.clone()) else {
            let stuck: Vec<_> =
                needs.iter().map(|(name, needed)| format!("{name} needs {needed:?}")).collect();
            ensure!(stuck.is_empty(), "no order to publish in: {}", stuck.join("; "));
            break;
        };
        needs.remove(&name);
        order.push(name);
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, publish: Option<&[&str]>, needs: &[(&str, Option<&str>, &str)]) -> Value {
        let dependencies: Vec<_> = needs
            .iter()
            .map(|(name, kind, req)| {
                serde_json::json!({ "name": name, "kind": kind, "req": req, "path": format!("crates/{name}") })
            })
            .collect();
        serde_json::json!({ "name": name, "publish": publish, "dependencies": dependencies })
    }

    #[test]
    fn a_crate_comes_after_what_it_needs() {
        let metadata = serde_json::json!({ "packages": [
            package("cli", None, &[("net", None, "^0.1"), ("dns", None, "^0.1"), ("core", None, "^0.1")]),
            package("core", None, &[]),
            package("net", None, &[("core", None, "^0.1"), ("lab", Some("dev"), "*")]),
            package("dns", None, &[("core", None, "^0.1")]),
            package("lab", Some(&[]), &[]),
        ] });
        assert_eq!(publish_order(&metadata).unwrap(), ["core", "dns", "net", "cli"]);
    }

    #[test]
    fn what_cannot_be_published_is_said() {
        let need = |kind| package("net", None, &[("lab", kind, "^0.1")]);
        for kind in [None, Some("dev")] {
            let lab = package("lab", Some(&[]), &[]);
            let metadata = serde_json::json!({ "packages": [need(kind), lab] });
            let error = publish_order(&metadata).unwrap_err().to_string();
            assert_eq!(error, "no order to publish in: net needs {\"lab\"}");
        }
    }
}
