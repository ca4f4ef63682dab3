//! What the types of `record.rs` say as JSON Schema. The words of scanner-core's enums come from these enums themselves.

use scanner_core::{Completion, Evidence, ForwardCheck, HostStatus, PortState, Reason, Verdict};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{Document, Record, SCHEMA};

/// The schema of one line of `jsonl`.
pub(crate) fn record_schema() -> Schema {
    titled::<Record>("A line of a scan in JSON Lines: one fact")
}

/// The schema of a whole `json` document.
pub(crate) fn document_schema() -> Schema {
    titled::<Document>("A scan as one JSON document")
}

fn titled<T: JsonSchema>(title: &str) -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
    schema.insert("title".into(), title.into());
    schema
}

pub(super) fn version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": SCHEMA })
}

pub(super) fn timestamp(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

pub(super) fn protocol(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "const": "tcp" })
}

pub(super) fn service_basis(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": ["port-number", null] })
}

pub(super) fn state(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": PortState::ALL.map(PortState::as_str) })
}

fn optional_state() -> Schema {
    json_schema!({ "enum": or_null(&PortState::ALL.map(PortState::as_str)) })
}

pub(super) fn reason(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Reason::ALL.map(Reason::as_str) })
}

pub(super) fn evidence(_: &mut SchemaGenerator) -> Schema {
    let words: Vec<_> = Reason::ALL.into_iter().map(Evidence::Port).chain([Evidence::Neighbour]).collect();
    let words: Vec<_> = words.into_iter().map(Evidence::as_str).collect();
    json_schema!({ "enum": or_null(&words) })
}

pub(super) fn status(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": HostStatus::ALL.map(HostStatus::as_str) })
}

pub(super) fn verdict(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": or_null(&Verdict::ALL.map(Verdict::as_str)) })
}

pub(super) fn ptr(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "required": ["name", "forward"],
        "properties": {
            "name": { "type": "string" },
            "forward": { "enum": ForwardCheck::ALL.map(ForwardCheck::as_str) },
        },
    })
}

pub(super) fn completion(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "enum": Completion::ALL.map(Completion::as_str) })
}

/// Ports as ranges: `22,80,8000-8100`; the empty text is none.
pub(super) fn ports(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": r"^(\d+(-\d+)?(,\d+(-\d+)?)*)?$" })
}

pub(super) fn ports_by_reason(generator: &mut SchemaGenerator) -> Schema {
    let counted = json_schema!({
        "type": "object",
        "required": ["count", "ports"],
        "properties": { "count": { "type": "integer", "minimum": 1 }, "ports": ports(generator) },
    });
    let of_state = |state: PortState| {
        let reasons = Reason::ALL.into_iter().filter(|reason| reason.state() == state);
        let properties: serde_json::Map<_, _> =
            reasons.map(|reason| (reason.as_str().to_owned(), counted.clone().to_value())).collect();
        let schema =
            json_schema!({ "type": "object", "properties": properties, "additionalProperties": false });
        (state.as_str().to_owned(), schema.to_value())
    };
    let states: serde_json::Map<_, _> = PortState::ALL.into_iter().map(of_state).collect();
    json_schema!({ "type": "object", "properties": states, "additionalProperties": false })
}

pub(super) fn addrs(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "description": "Addresses as ranges, first to last; count is their number.",
        "required": ["count", "ranges"],
        "properties": { "count": { "type": "string", "pattern": r"^\d+$" }, "ranges": { "type": "string" } },
    })
}

pub(super) fn not_measured(_: &mut SchemaGenerator) -> Schema {
    let unknown = Reason::ALL.into_iter().filter(|reason| reason.state() == PortState::Unknown);
    let words: Vec<_> = unknown.map(Reason::as_str).collect();
    json_schema!({
        "type": "object",
        "propertyNames": { "enum": words },
        "additionalProperties": { "type": "integer", "minimum": 0 },
    })
}

pub(super) fn counters(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "additionalProperties": { "type": ["integer", "null"], "minimum": 0 } })
}

pub(super) fn change(generator: &mut SchemaGenerator) -> Schema {
    let ports = ports(generator);
    let verdict = verdict(generator);
    let state = optional_state();
    json_schema!({ "oneOf": [
        {
            "type": "object", "required": ["change", "open", "verdict"],
            "properties": { "change": { "enum": ["appeared", "went"] }, "open": ports, "verdict": verdict },
        },
        {
            "type": "object", "required": ["change", "before", "after"],
            "properties": { "change": { "const": "verdict" }, "before": verdict, "after": verdict },
        },
        {
            "type": "object", "required": ["change", "ports"],
            "properties": {
                "change": { "const": "ports" },
                "ports": { "type": "array", "items": {
                    "type": "object", "required": ["before", "after", "ports"],
                    "properties": { "before": state, "after": state, "ports": ports },
                } },
            },
        },
    ] })
}

pub(super) fn comparison(generator: &mut SchemaGenerator) -> Schema {
    let mut host = change(generator);
    host.insert("required".into(), serde_json::json!(["ip", "names"]));
    json_schema!({
        "type": "object",
        "required": ["changes", "ports_not_compared", "hosts_not_compared"],
        "properties": {
            "changes": { "type": "array", "items": host },
            "ports_not_compared": { "type": "integer", "minimum": 0 },
            "hosts_not_compared": addrs(generator),
        },
    })
}

fn or_null<'a>(words: &[&'a str]) -> Vec<Option<&'a str>> {
    words.iter().copied().map(Some).chain([None]).collect()
}
