/**
 * A function's archive: one JavaScript file made by esbuild, the manifest that Google's build reads, and the Dockerfile
 * where there is one. Equal sources give equal bytes.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildSync, version, type BuildFailure, type BuildOptions } from "esbuild";
import * as pulumi from "@pulumi/pulumi";
import { keptBundle, type Bundle } from "./bundle-cache";

export interface FunctionBundle {
  /** `<name>-<hash of the content>.zip`: new content is a new object, and so a new deployment. */
  objectName: string;
  archive: pulumi.asset.AssetArchive;
}

/** Installed by Google's build, since it is what starts the function; everything else is in the bundle. */
const FRAMEWORK = "@google-cloud/functions-framework";

const DOCKERFILE = "Dockerfile";

const LOCK = "package-lock.json";

interface Manifest {
  dependencies?: Record<string, string>;
}

const OPTIONS = {
  bundle: true,
  platform: "node",
  target: "node22",
  format: "cjs",
  external: [FRAMEWORK] as string[],
  write: false,
  metafile: true,
  legalComments: "none",
  // Comments with paths would make the bytes depend on where the checkout lies.
  minifyWhitespace: true,
  // Its own settings, not those of a tsconfig.json that lies above by chance.
  tsconfigRaw: { compilerOptions: { strict: true } },
  logLevel: "silent",
} as const satisfies BuildOptions;

/**
 * Bundles `functions/<name>/index.ts`.
 * @param root Folder that holds `functions/`. @default the program's own
 * @throws RunError with esbuild's own words when the sources do not bundle
 */
export function bundleFunction(name: string, root = "."): FunctionBundle {
  const folder = join("functions", name);
  const manifest = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest;
  const framework = manifest.dependencies?.[FRAMEWORK];
  // What lies beside the sources decides which file an import finds.
  const settings = { esbuild: version, options: OPTIONS, beside: readdirSync(join(root, folder)).sort() };
  const code = keptBundle({ name, root, settings }, () => bundle(join(folder, "index.ts"), root));
  const dockerfile = join(root, folder, DOCKERFILE);
  const files: Record<string, ArchivedFile> = {
    "index.js": fromFile(join(root, code)),
    "package.json": fromText(
      `${JSON.stringify({ name, private: true, main: "index.js", ...(framework ? { dependencies: { [FRAMEWORK]: framework } } : {}) }, null, 2)}\n`,
    ),
    ...(existsSync(dockerfile) ? { [DOCKERFILE]: fromFile(dockerfile) } : {}),
  };
  const each = <T>(field: (file: ArchivedFile) => T) =>
    Object.fromEntries(Object.entries(files).map(([file, content]) => [file, field(content)]));
  const texts = each(({ text }) => text);
  const hash = createHash("sha256").update(JSON.stringify(texts)).digest("hex").slice(0, 12);
  return {
    objectName: `${name}-${hash}.zip`,
    archive: new pulumi.asset.AssetArchive(each(({ asset }) => asset)),
  };
}

interface ArchivedFile {
  text: string;
  asset: pulumi.asset.Asset;
}

const fromText = (text: string): ArchivedFile => ({ text, asset: new pulumi.asset.StringAsset(text) });
/** By its name: megabytes are not worth sending to the engine and keeping in the state. */
const fromFile = (file: string): ArchivedFile => ({
  text: readFileSync(file, "utf8"),
  asset: new pulumi.asset.FileAsset(file),
});

function bundle(entry: string, root: string): Bundle {
  try {
    const { outputFiles, metafile } = buildSync({ ...OPTIONS, entryPoints: [entry], absWorkingDir: resolve(root) });
    // Which packages there are, and in which version, is in no file that esbuild names.
    const lock = existsSync(join(root, LOCK)) ? [LOCK] : [];
    return { text: outputFiles[0]!.text, inputs: [...Object.keys(metafile.inputs), ...lock] };
  } catch (error) {
    const problems = (error as BuildFailure).errors?.map(
      ({ text, location }) => `${location?.file ?? entry}:${location?.line ?? 0}: ${text}`,
    );
    if (!problems) throw error;
    throw new pulumi.RunError(`${entry} cannot be bundled:\n  ${problems.join("\n  ")}`);
  }
}
