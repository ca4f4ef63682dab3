//! `scanner config init|show|path`: the configuration file.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{CommandFactory, Subcommand};

use crate::args::Args;
use crate::columns;
use crate::config_file;
use crate::console::Console;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::settings::{Key, toml_text};

/// What to do with the file.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigTool {
    /// Write a file in which every option is explained and commented out; a file that is there stays as it is
    Init {
        /// Write FILE instead of the one that scans read
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
    /// Print every setting and where it came from (the same as scanner --print-config)
    Show {
        /// Options of a scan, as in scanner config show --profile office --pace gentle
        #[arg(value_name = "OPTIONS", trailing_var_arg = true, allow_hyphen_values = true)]
        options: Vec<OsString>,
    },
    /// Print where the file is looked for
    Path,
}

/// Runs the command.
///
/// # Errors
/// There is a file already, none can be written, or what is in it is wrong.
pub(crate) fn run(tool: ConfigTool) -> Result<ExitStatus, Failure> {
    match tool {
        ConfigTool::Init { config } => init(&config.map_or_else(default_path, Ok)?),
        ConfigTool::Show { options } => {
            let argv = ["scanner", "--print-config"].map(OsString::from);
            crate::command(argv.into_iter().chain(options))
        }
        ConfigTool::Path => {
            let path = default_path()?;
            crate::show(|out| writeln!(out, "{}", path.display()))
        }
    }
}

fn default_path() -> Result<PathBuf, Failure> {
    config_file::default_path().ok_or_else(|| {
        Failure::usage("this system names no home directory to keep the configuration in")
            .with_hint("set HOME or XDG_CONFIG_HOME, or name a file with --config FILE")
    })
}

fn init(path: &Path) -> Result<ExitStatus, Failure> {
    let shown = path.display();
    let cannot = |error: &io::Error| Failure::usage(format!("cannot write {shown}: {error}"));
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|error| cannot(&error))?;
    }
    let mut file = match create_new(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::usage(format!("{shown} is there already, and is left as it is"))
                .with_hint("scanner config init --config FILE writes another one"));
        }
        Err(error) => return Err(cannot(&error)),
    };
    if let Err(error) = file.write_all(template().as_bytes()).and_then(|()| file.sync_all()) {
        // Half of it would be read, and be in the way of the next attempt.
        drop(fs::remove_file(path));
        return Err(Failure::incomplete(format!("cannot write {shown}: {error}")));
    }
    Console::plain().note(&format!("written: {shown}"));
    Ok(ExitStatus::Complete)
}

/// A file of the user's alone: it will say what they scan. Never one that is there.
fn create_new(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// How wide the comments of the template are.
const WIDTH: usize = 78;

/// A file in which nothing is set and everything is explained, from the definitions of the flags.
fn template() -> String {
    let command = Args::command();
    let mut lines: Vec<String> = vec![HEAD.into()];
    let mut group = String::new();
    for key in Key::ALL {
        let id = if key == Key::Family { "ipv4".to_owned() } else { key.name().replace('-', "_") };
        let arg = command.get_arguments().find(|arg| arg.get_id() == id.as_str());
        let heading = arg.and_then(|arg| arg.get_help_heading()).unwrap_or("Other");
        if heading != group {
            heading.clone_into(&mut group);
            lines.push(format!("\n# ---- {heading}"));
        }
        let help = match (key, arg.and_then(|arg| arg.get_help())) {
            (Key::Family, _) => "Addresses of one family only: 4 or 6; any is both".to_owned(),
            (_, help) => help.map(ToString::to_string).unwrap_or_default(),
        };
        lines.push(String::new());
        lines.extend(columns::wrap(&help, WIDTH).iter().map(|line| format!("# {line}")));
        lines.push(format!("#{} = {}", key.name(), value(key)));
    }
    lines.push(TAIL.into());
    lines.join("\n")
}

const HEAD: &str = "\
# The configuration of scanner. What is commented out shows its default, or an
# example where there is none. A flag beats the environment, the environment
# beats this file: scanner --print-config shows what holds and why.";

const TAIL: &str = "
# ---- Profiles

# The same options under a name, for scanner --profile office: they hold over
# those above.
#[profile.office]
#input = [\"office.txt\"]
#pace = \"gentle\"
";

fn value(key: Key) -> String {
    match key.default_text() {
        Some(text) => toml_text(text),
        None => example(key).to_owned(),
    }
}

/// A value for what has no default, as the file would write it.
const fn example(key: Key) -> &'static str {
    match key {
        Key::Input => r#"["hosts.txt"]"#,
        Key::From => r#"["last.json"]"#,
        Key::State => r#"["open"]"#,
        Key::Resolvers => r#""192.0.2.53""#,
        Key::Exclude => r#"["192.168.1.1", "10.9.0.0/16"]"#,
        Key::ExcludeFile => r#"["never.txt"]"#,
        Key::Scope => r#""scope.txt""#,
        Key::ExcludePorts => r#""9100""#,
        Key::MaxConnections => "1000",
        Key::MaxRate => "500",
        Key::MaxPerHost => "20",
        Key::Threads | Key::Retries => "2",
        Key::HostTimeout => r#""5m""#,
        Key::Deadline => r#""1h""#,
        Key::Seed => "1",
        Key::Output => r#"["last.jsonl"]"#,
        Key::Baseline => r#""good.jsonl""#,
        Key::FailIf => r#""changed""#,
        Key::Local
        | Key::Family
        | Key::AllAddresses
        | Key::Dns
        | Key::Reverse
        | Key::Ports
        | Key::Open
        | Key::Pace
        | Key::Timeout
        | Key::SkipDiscovery
        | Key::Format
        | Key::Reason
        | Key::Quiet
        | Key::Color
        | Key::Progress
        | Key::Verbose => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Layers, Settings};

    #[test]
    fn the_template_sets_nothing_and_would_set_everything() {
        let template = template();
        let path = Path::new("c.toml");
        assert_eq!(config_file::parse(path, &template).unwrap().base, []);

        let is_option = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
        let set = template.lines().filter(is_option).map(|line| &line[1..]).collect::<Vec<_>>().join("\n");
        let mut file = config_file::parse(path, &set).unwrap();
        assert_eq!(file.take_profile("office").unwrap().len(), 2);
        for key in Key::ALL {
            assert!(file.base.iter().any(|(set, _)| *set == key), "{}", key.name());
        }
        let mut layers = Layers::default();
        layers.add_weaker(file.base);
        let typed = Args::read(["scanner", "192.0.2.1"]).unwrap();
        Settings::build(&typed, &layers).unwrap();
    }

    #[test]
    fn the_template_explains() {
        let template = template();
        let around = |key: &str| {
            let lines: Vec<&str> = template.lines().collect();
            let at = lines.iter().position(|line| line.starts_with(key)).unwrap();
            lines[at - 3..=at].join("\n")
        };
        insta::assert_snapshot!(around("#max-rate"), @"
        #max-connections = 1000

        # Never more than N connection attempts per second
        #max-rate = 500
        ");
        insta::assert_snapshot!(around("#family"), @r#"
        #scope = "scope.txt"

        # Addresses of one family only: 4 or 6; any is both
        #family = "any"
        "#);
        assert!(template.lines().all(|line| line.len() <= 80));
    }
}
