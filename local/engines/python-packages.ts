/** What is installed in a prepared Python environment, read from its records: no interpreter is started. */
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";

/** As packages compare: whoever writes `google_auth` means `google-auth`. */
export const canonical = (name: string) => name.toLowerCase().replace(/[-_.]+/g, "-");

/** Versions by canonical name. @param interpreter of the environment */
export function installedPackages(interpreter: string): Map<string, string> {
  const lib = join(dirname(dirname(interpreter)), "lib");
  const folders = readdirSync(lib)
    .map((python) => join(lib, python, "site-packages"))
    .filter((folder) => existsSync(folder));
  const names = folders
    .flatMap((folder) => readdirSync(folder))
    .flatMap((entry) => /^(.+)-([^-]+)\.dist-info$/.exec(entry) ?? []);
  const packages = new Map<string, string>();
  for (let at = 0; at < names.length; at += 3) packages.set(canonical(names[at + 1] ?? ""), names[at + 2] ?? "");
  return packages;
}
