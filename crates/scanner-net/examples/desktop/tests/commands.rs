//! The commands as the page calls them, in tauri's mock of a window: they scan listeners that the tests open.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use desktop::{Scans, shell};
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, Channel, InvokeBody, InvokeResponseBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder, mock_context, noop_assets};
use tauri::webview::InvokeRequest;
use tauri::{App, Manager, WebviewWindow, WebviewWindowBuilder};

/// Longer than anything here takes: what does not come in this time does not come.
const PATIENCE: Duration = Duration::from_secs(20);

struct Page {
    app: App<MockRuntime>,
    window: WebviewWindow<MockRuntime>,
}

impl Page {
    fn new() -> Self {
        let app = shell(mock_builder()).unwrap().build(mock_context(noop_assets())).unwrap();
        let window = WebviewWindowBuilder::new(&app, "main", Default::default()).build().unwrap();
        Self { app, window }
    }

    /// `invoke(command, arguments)`: the answer, or the failure that the page would catch.
    fn invoke(&self, command: &str, arguments: Value) -> Result<Value, Value> {
        let url = if cfg!(windows) { "http://tauri.localhost" } else { "tauri://localhost" };
        let request = InvokeRequest {
            cmd: command.into(),
            callback: CallbackFn(0),
            error: CallbackFn(1),
            url: url.parse().unwrap(),
            body: InvokeBody::Json(arguments),
            headers: Default::default(),
            invoke_key: INVOKE_KEY.to_string(),
        };
        get_ipc_response(&self.window, request).map(|body| body.deserialize().unwrap())
    }

    /// A channel as the page's, of which the test reads the other end.
    fn watch(&self) -> Updates {
        let (sender, updates) = channel();
        let channel = Channel::new(move |body: InvokeResponseBody| {
            sender.send(body.deserialize::<Value>().unwrap()).map_err(|_| tauri::Error::WebviewNotFound)
        });
        self.app.state::<Scans>().watch(channel);
        Updates(updates)
    }

    fn start(&self, ports: &str, max_rate: Option<u32>) -> String {
        let request = json!({ "targets": "127.0.0.1", "ports": ports, "max_rate": max_rate });
        let started = self.invoke("start_scan", json!({ "request": request })).unwrap();
        assert_eq!(started["targets"], "127.0.0.1");
        started["id"].as_str().unwrap().to_owned()
    }

    fn snapshot(&self, id: &str) -> Value {
        self.invoke("snapshot", json!({ "id": id })).unwrap()
    }
}

struct Updates(Receiver<Value>);

impl Updates {
    /// All updates of a scan up to the first of this type, that one included.
    fn until(&self, id: &str, kind: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let batch = self.0.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no {kind} after {all:?}"));
            assert_eq!(batch["scan_id"], id);
            all.extend(batch["updates"].as_array().unwrap().iter().cloned());
            if all.iter().any(|update| update["type"] == kind) {
                return all;
            }
        }
    }
}

fn listen(count: usize) -> (Vec<TcpListener>, String) {
    let listeners: Vec<_> =
        (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).collect();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port().to_string();
    let ports = listeners.iter().map(port).collect::<Vec<_>>().join(",");
    (listeners, ports)
}

fn open_ports(hosts: &Value) -> usize {
    hosts.as_array().unwrap().iter().map(|host| host["open"].as_array().unwrap().len()).sum()
}

#[test]
fn a_scan_is_started_streamed_and_listed() {
    let page = Page::new();
    let updates = page.watch();
    let (_listeners, ports) = listen(5);
    let id = page.start(&ports, None);
    let seen = updates.until(&id, "end");
    let of = |kind: &str| seen.iter().filter(|update| update["type"] == kind).collect::<Vec<_>>();
    assert_eq!(of("port").len(), 5);
    assert_eq!(of("host")[0]["status"], "up");
    assert_eq!(of("host")[0]["open"].as_array().unwrap().len(), 5);
    assert_eq!(of("end")[0]["state"], "complete");
    let list = page.invoke("list_scans", json!({})).unwrap();
    assert_eq!((list[0]["id"].as_str(), list[0]["state"].as_str()), (Some(&*id), Some("complete")));
    assert_eq!(list[0]["progress"]["open"], 5);
    page.invoke("forget_scan", json!({ "id": id })).unwrap();
    assert_eq!(page.invoke("list_scans", json!({})).unwrap(), json!([]));
    assert_eq!(page.invoke("snapshot", json!({ "id": id })).unwrap_err()["code"], "no-such-scan");
}

/// The counters come from elsewhere than the events: neither may overtake the other.
#[test]
fn the_last_counters_come_before_the_end() {
    let page = Page::new();
    let updates = page.watch();
    let (_listeners, ports) = listen(3);
    for _ in 0..12 {
        let id = page.start(&ports, None);
        let seen = updates.until(&id, "end");
        assert_eq!(seen.last().unwrap()["type"], "end");
        let counters = seen.iter().rfind(|update| update["type"] == "progress").unwrap();
        assert_eq!((&counters["done_permille"], &counters["hosts_done"]), (&json!(1000), &json!(1)));
        assert_eq!(counters["open"], 3);
    }
}

#[test]
fn a_page_that_is_loaded_again_recovers_and_misses_nothing() {
    let page = Page::new();
    let before = page.watch();
    let (_listeners, ports) = listen(4);
    let id = page.start(&ports, Some(1));
    before.until(&id, "port");
    page.invoke("pause_scan", json!({ "id": id })).unwrap();
    // The page goes; the scan does not.
    drop(before);
    let after = page.watch();
    let snapshot = page.snapshot(&id);
    assert_eq!(snapshot["scan"]["state"], "paused");
    page.invoke("resume_scan", json!({ "id": id })).unwrap();
    let already = open_ports(&snapshot["hosts"]);
    assert!(already >= 1, "{snapshot}");
    let seen = after.until(&id, "end");
    let mut found: Vec<_> = snapshot["hosts"][0]["open"].as_array().unwrap().clone();
    found.extend(seen.iter().filter(|update| update["type"] == "port").map(|update| update["port"].clone()));
    found.sort_by_key(|port| port["port"].as_u64());
    found.dedup_by_key(|port| port["port"].as_u64());
    assert_eq!(found.len(), 4, "what came before and what came after are all of it");
}

#[test]
fn a_scan_is_paused_resumed_and_cancelled() {
    let page = Page::new();
    let updates = page.watch();
    let (_listeners, ports) = listen(30);
    let id = page.start(&ports, Some(1));
    updates.until(&id, "port");
    assert_eq!(page.invoke("pause_scan", json!({ "id": id })).unwrap()["state"], "paused");
    let (paused, still) = (page.snapshot(&id), page.snapshot(&id));
    assert_eq!(paused["scan"]["state"], "paused");
    assert_eq!(open_ports(&paused["hosts"]), open_ports(&still["hosts"]));
    assert_eq!(page.invoke("resume_scan", json!({ "id": id })).unwrap()["state"], "running");
    page.invoke("cancel_scan", json!({ "id": id })).unwrap();
    let seen = updates.until(&id, "end");
    assert_eq!(seen.last().unwrap()["state"], "cancelled");
    let ended = page.snapshot(&id);
    assert_eq!(ended["scan"]["state"], "cancelled");
    assert!(open_ports(&ended["hosts"]) >= 1, "what was found is kept");
}

#[test]
fn what_cannot_be_done_says_why() {
    let page = Page::new();
    let start = |targets: &str, ports: &str| {
        let request = json!({ "targets": targets, "ports": ports, "max_rate": null });
        page.invoke("start_scan", json!({ "request": request })).unwrap_err()
    };
    assert_eq!(start("127.0.0.1", "80,8o")["code"], "bad-ports");
    assert_eq!(start("127.0.0.1/99", "80")["code"], "bad-targets");
    assert_eq!(start("224.0.0.1", "80")["code"], "empty-plan");
    let unknown = page.invoke("cancel_scan", json!({ "id": "none" })).unwrap_err();
    assert_eq!(unknown["code"], "no-such-scan");
    // The page's own name for the argument of the stream.
    assert_eq!(page.invoke("watch", json!({ "updates": "__CHANNEL__:1" })).unwrap(), Value::Null);
}
