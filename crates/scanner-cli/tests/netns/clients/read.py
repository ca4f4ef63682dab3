"""What other people's libraries read in our files: one `address port` line per open port, sorted.

usage: read.py libnmap|nmap|csv FILE
       read.py schema SCHEMA lines|document FILE
"""

import csv
import json
import sys


def libnmap(path):
    from libnmap.parser import NmapParser

    report = NmapParser.parse_fromfile(path)
    assert report.hosts_total >= report.hosts_up >= 0 and report.endtime >= report.started
    return [(host.address, port) for host in report.hosts for port, _ in host.get_open_ports()]


def nmap(path):
    import nmap

    scanner = nmap.PortScanner()
    with open(path, encoding="utf-8") as file:
        scanner.analyse_nmap_xml_scan(file.read())
    assert scanner.scanstats()["totalhosts"].isdigit()
    hosts = ((host, scanner[host].get("tcp", {})) for host in scanner.all_hosts())
    return [(host, port) for host, ports in hosts for port, found in ports.items() if found["state"] == "open"]


def spreadsheet(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    assert all(None not in row and None not in row.values() for row in rows)
    return [(row["ip"], int(row["port"])) for row in rows if row["state"] == "open" and row["port"]]


def schema(schema_path, kind, path):
    from jsonschema import Draft202012Validator

    with open(schema_path, encoding="utf-8") as file:
        wanted = json.load(file)
    Draft202012Validator.check_schema(wanted)
    validator = Draft202012Validator(wanted)
    with open(path, encoding="utf-8") as file:
        documents = [json.loads(line) for line in file] if kind == "lines" else [json.load(file)]
    for document in documents:
        validator.validate(document)
    # A schema that accepts anything would prove nothing.
    broken = [dict(document, schema=2, ports="x", status="asleep", state="ajar", exit_status=-1) for document in documents]
    assert not any(map(validator.is_valid, broken))
    print(len(documents), "valid")


what, *rest = sys.argv[1:]
if what == "schema":
    schema(*rest)
else:
    found = {"libnmap": libnmap, "nmap": nmap, "csv": spreadsheet}[what](*rest)
    print("\n".join(f"{address} {port}" for address, port in sorted(found)))
