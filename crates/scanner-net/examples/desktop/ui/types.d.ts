// Made from src/view.rs by tests/types.rs; do not edit.

/**
 * What to scan, as it was typed.
 */
export type ScanRequest = { 
/**
 * Addresses, networks and ranges, separated by commas.
 */
targets: string, 
/**
 * Ports, ranges and names of services, separated by commas.
 */
ports: string, 
/**
 * The most connection attempts per second; null: as the path allows.
 */
max_rate: number | null, };

/**
 * A scan in the list.
 */
export type ScanView = { id: string, targets: string, ports: string, state: ScanState, progress: ProgressView, };

/**
 * How a scan stands, or how it ended.
 */
export type ScanState = "running" | "paused" | "complete" | "incomplete" | "deadline" | "cancelled";

/**
 * How far a scan is.
 */
export type ProgressView = { 
/**
 * In thousandths.
 */
done_permille: number, hosts: number, hosts_done: number, hosts_up: number, open: number, closed: number, filtered: number, 
/**
 * Ports that this machine failed to measure.
 */
unknown: number, eta_ms: number | null, };

/**
 * What came of a host: once of each that is finished, and in a snapshot of those with something to show.
 */
export type HostView = { ip: string, names: Array<string>, status: Status, rtt_us: number | null, 
/**
 * What the host does as a whole, where that changes how its ports are to be read.
 */
verdict: string | null, open: Array<PortView>, closed: number, filtered: number, unknown: number, };

/**
 * Whether a host is there.
 */
export type Status = "up" | "down" | "unknown";

/**
 * An open port.
 */
export type PortView = { port: number, 
/**
 * Guessed from the number.
 */
service: string | null, rtt_us: number | null, };

/**
 * What a scan has found so far. Updates that come later may repeat some of it.
 */
export type Snapshot = { scan: ScanView, hosts: Array<HostView>, 
/**
 * What was said about the scan itself.
 */
notes: Array<string>, };

/**
 * Updates of one scan, in the order in which things happened.
 */
export type Batch = { scan_id: string, updates: Array<Update>, };

/**
 * One thing that happened.
 */
export type Update = { "type": "port", ip: string, names: Array<string>, port: PortView, } | { "type": "host" } & HostView | { "type": "progress" } & ProgressView | { "type": "note", message: string, } | { "type": "end", state: ScanState, };

/**
 * Why a command did nothing.
 */
export type Failure = { 
/**
 * A stable word.
 */
code: string, message: string, 
/**
 * What can be done about it.
 */
hint: string | null, };
