/** Finds the programs that set-up builds on, and says in one line what is wrong with a version that is too old. */
import { execFileSync } from "node:child_process";
import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { SetupError } from "./steps.mjs";

export const oldestPython = [3, 11];
/** The first that fits is taken; 3.11 first, because that is what a Spark driver on Dataproc runtime 2.3 has. */
export const pythonNames = ["python3.11", "python3.12", "python3.13", "python3", "python"];
/** Spark 3.5 and the locked packages have not been made for later ones. */
export const newestPython = [3, 13];

/** Every executable of that name on PATH, in order. */
export function onPath(name, path = process.env.PATH ?? "") {
  return path
    .split(delimiter)
    .filter((folder) => folder !== "")
    .map((folder) => join(folder, name))
    .filter(isExecutable);
}

/** Changes when another Python would be found. */
export function pythonCandidates(path = process.env.PATH) {
  return pythonNames.flatMap((name) => onPath(name, path)).map(identity);
}

/** Finds a Python that fits: `{ path, version }`. */
export function findPython({ path = process.env.PATH, version = pythonVersion } = {}) {
  const seen = [];
  for (const name of pythonNames) {
    for (const candidate of onPath(name, path)) {
      const found = version(candidate);
      if (found === undefined) continue; // a launcher without a Python behind it
      if (fits(found.version)) return { path: found.path, version: found.version.join(".") };
      seen.push(`${found.version.join(".")} (${candidate})`);
    }
  }
  const got = seen.length === 0 ? "no Python on PATH" : `got ${[...new Set(seen)].join(", ")}`;
  throw new SetupError(
    `Python is missing or does not fit: ${got}; expected 3.11, 3.12 or 3.13. Install one, e.g. ${pythonInstall()}.`,
  );
}

function fits([major, minor]) {
  return major === oldestPython[0] && minor >= oldestPython[1] && minor <= newestPython[1];
}

function pythonInstall(platform = process.platform) {
  return platform === "darwin" ? "`brew install python@3.11`" : "`sudo apt install python3.11 python3.11-venv`";
}

/**
 * `{ path, version: [3, 11, 7] }`, or undefined when the command is no Python that starts. The path is the interpreter
 * itself, not a launcher or a virtual environment that may go away.
 */
export function pythonVersion(command) {
  try {
    const code = "import sys; print(sys._base_executable, *sys.version_info[:3], sep='\\n')";
    const text = execFileSync(command, ["-c", code], { stdio: ["ignore", "pipe", "ignore"], encoding: "utf8" });
    const [path, ...version] = text.trim().split("\n");
    return { path, version: version.map(Number) };
  } catch (error) {
    if (error.status === undefined && error.code === undefined) throw error;
    return undefined;
  }
}

/** What a venv that could not be made says, turned into the command that fixes it. */
export function explainVenvFailure(output, version) {
  if (!/ensurepip|No module named '?(venv|pip)/.test(output)) return undefined;
  const minor = version.split(".").slice(0, 2).join(".");
  return (
    `Python ${version} cannot make a virtual environment: its module ensurepip is missing; expected a complete Python. ` +
    `Run \`sudo apt install python3-venv python${minor}-venv\` (Debian, Ubuntu) or install Python from your system's packages, then run again.`
  );
}

/**
 * Java 17 that is already there: JAVA_HOME, else the java on PATH. Undefined when none fits; `say` hears of a JAVA_HOME
 * that is passed over.
 */
export function findJava17({ env = process.env, describe = describeJava, say = () => undefined } = {}) {
  for (const candidate of javaCandidates(env)) {
    const java = describe(candidate);
    if (java?.version === 17) return java;
    if (candidate.startsWith(`${env.JAVA_HOME}`)) {
      say(
        `JAVA_HOME is ${java === undefined ? "no Java" : `Java ${java.version}`}; Spark 3.5 needs 17, so another one is used`,
      );
    }
  }
  return undefined;
}

export function javaCandidates(env = process.env) {
  const home = env.JAVA_HOME ? [join(env.JAVA_HOME, "bin", "java")].filter(isExecutable) : [];
  return [...home, ...onPath("java", env.PATH).slice(0, 1)];
}

/** `{ home, version }` as the program itself says it, or undefined when it does not start (macOS has such a stub). */
export function describeJava(command) {
  try {
    const args = ["-XshowSettings:properties", "-version"];
    const text = execFileSync("sh", ["-c", '"$0" "$@" 2>&1', command, ...args], { encoding: "utf8" });
    const home = /^\s*java\.home = (.+)$/m.exec(text)?.[1];
    const version = /^\s*java\.specification\.version = (\d+)/m.exec(text)?.[1];
    return home === undefined || version === undefined ? undefined : { home, version: Number(version) };
  } catch (error) {
    if (error.status === undefined) throw error;
    return undefined;
  }
}

/** Changes when the file behind a command does: an update of the system's Python or Java is noticed. */
export function identity(command) {
  const target = realpathSync(command);
  return `${target} ${statSync(target).mtimeMs}`;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // absent or not ours to run: the next one is tried
  }
}
