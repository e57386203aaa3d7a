/** Checks of what set-up made: the manifest, Java, Python and Node packages against their lock files, half-done steps. */
import { good, wrong, type Finding } from "./finding";
import { numbers } from "./machine";

const SET_UP = "npm start";

export function checkManifest(problem: string | undefined): Finding {
  return problem === undefined ? good("set-up", "all tools are there") : wrong("set-up", problem, SET_UP);
}

/** @param release content of JAVA_HOME/release */
export function checkJava(home: string, release: string | undefined): Finding {
  const version = /^JAVA_VERSION="([^"]+)"/m.exec(release ?? "")?.[1];
  return version && numbers(version)[0] === 17
    ? good("java", `Java ${version}`)
    : wrong("java", `Java of ${home}: got ${version ?? "no release file"}; expected 17`, SET_UP);
}

/** Name to the versions that its lock file allows, one for each marker, and whether a marker may leave it out. */
export function readRequirements(lock: string): Map<string, { versions: string[]; isOptional: boolean }> {
  const found = new Map<string, { versions: string[]; isOptional: boolean }>();
  for (const [, name, version, marker] of lock.matchAll(/^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(;)?/gm)) {
    const key = normal(name!);
    const known = found.get(key) ?? { versions: [], isOptional: true };
    found.set(key, { versions: [...known.versions, version!], isOptional: known.isOptional && marker !== undefined });
  }
  return found;
}

/**
 * @param installed names of the folders `<name>-<version>.dist-info` of the environment
 * @param isOnDemand whether set-up leaves it out until it is asked for
 */
export function checkPython(
  environment: string,
  lock: string,
  installed: readonly string[] | undefined,
  isOnDemand = false,
): Finding {
  const check = `python ${environment}`;
  if (installed === undefined)
    return isOnDemand
      ? good(check, "is installed when it is first needed")
      : wrong(check, "got none; expected what set-up installs", SET_UP);
  const there = new Map<string, string>();
  for (const folder of installed) {
    const [, name, version] = /^(.+)-([^-]+)\.dist-info$/.exec(folder) ?? [];
    if (name && version) there.set(normal(name), version);
  }
  const requirements = readRequirements(lock);
  const problems = [...requirements].flatMap(([name, { versions, isOptional }]) => {
    const got = there.get(name);
    if (got === undefined) return isOptional ? [] : [`${name}: got none; expected ${versions.join(" or ")}`];
    return versions.includes(got) ? [] : [`${name}: got ${got}; expected ${versions.join(" or ")}`];
  });
  if (problems.length === 0) return good(check, `${requirements.size} packages as locked`);
  const more = problems.length > 3 ? ` and ${problems.length - 3} more` : "";
  const fix = isOnDemand ? `node local/setup/add.mjs ${environment}` : SET_UP;
  return wrong(check, `${problems.slice(0, 3).join("; ")}${more}`, fix);
}

export type NpmPackages = Readonly<
  Record<string, { version?: string; optional?: boolean; devOptional?: boolean; link?: boolean }>
>;

/** @param locked `packages` of package-lock.json @param installed the same of node_modules/.package-lock.json */
export function checkNpm(locked: NpmPackages, installed: NpmPackages | undefined): Finding {
  if (!installed) return wrong("npm", "node_modules was not made by npm from the lock file", "npm ci");
  const problems = Object.entries(locked).flatMap(([path, wanted]) => {
    if (!path.startsWith("node_modules/") || wanted.link) return [];
    const got = installed[path]?.version;
    if (got === wanted.version || (got === undefined && (wanted.optional || wanted.devOptional))) return [];
    return [`${path.slice("node_modules/".length)}: got ${got ?? "none"}; expected ${wanted.version}`];
  });
  if (problems.length === 0) return good("npm", `${Object.keys(installed).length} packages as locked`);
  return wrong(
    "npm",
    problems.slice(0, 3).join("; ") + (problems.length > 3 ? ` and ${problems.length - 3} more` : ""),
    "npm ci",
  );
}

export interface SetUpFacts {
  /** Folders that a set-up works in. */
  unfinished: readonly string[];
  isRunning: boolean;
}

export function checkSetUp({ unfinished, isRunning }: SetUpFacts): Finding {
  if (isRunning) return good("set-up steps", "a set-up runs");
  return unfinished.length === 0
    ? good("set-up steps", "none is half done")
    : wrong("set-up steps", `interrupted: ${unfinished.join(", ")}`, SET_UP);
}

/** As package indexes compare names: case, `-`, `_` and `.` are one. Source: PEP 503. */
const normal = (name: string) => name.toLowerCase().replaceAll(/[-_.]+/g, "-");
