/**
 * A function's archive: one JavaScript file made by esbuild, the manifest that Google's build reads, and the Dockerfile
 * where there is one. Equal sources give equal bytes.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync, type BuildFailure } from "esbuild";
import * as pulumi from "@pulumi/pulumi";

export interface FunctionBundle {
  /** `<name>-<hash of the content>.zip`: new content is a new object, and so a new deployment. */
  objectName: string;
  archive: pulumi.asset.AssetArchive;
  /** Files of the archive. */
  files: Record<string, string>;
}

/** Installed by Google's build, since it is what starts the function; everything else is in the bundle. */
const FRAMEWORK = "@google-cloud/functions-framework";

const DOCKERFILE = "Dockerfile";

interface Manifest {
  dependencies?: Record<string, string>;
}

/**
 * Bundles `functions/<name>/index.ts`.
 * @param root Folder that holds `functions/`. @default the program's own
 * @throws RunError with esbuild's own words when the sources do not bundle
 */
export function bundleFunction(name: string, root = "."): FunctionBundle {
  const folder = join(root, "functions", name);
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const framework = manifest.dependencies?.[FRAMEWORK];
  const files = {
    "index.js": bundle(join(folder, "index.ts")),
    "package.json": `${JSON.stringify({ name, private: true, main: "index.js", ...(framework ? { dependencies: { [FRAMEWORK]: framework } } : {}) }, null, 2)}\n`,
    ...(existsSync(join(folder, DOCKERFILE)) ? { [DOCKERFILE]: readFileSync(join(folder, DOCKERFILE), "utf8") } : {}),
  };
  const hash = createHash("sha256").update(JSON.stringify(files)).digest("hex").slice(0, 12);
  const assets = Object.fromEntries(
    Object.entries(files).map(([file, text]) => [file, new pulumi.asset.StringAsset(text)]),
  );
  return { objectName: `${name}-${hash}.zip`, archive: new pulumi.asset.AssetArchive(assets), files };
}

function bundle(entry: string): string {
  try {
    const result = buildSync({
      entryPoints: [entry],
      bundle: true,
      platform: "node",
      target: "node22",
      format: "cjs",
      external: [FRAMEWORK],
      write: false,
      legalComments: "none",
      // Comments with paths would make the bytes depend on where the checkout lies.
      minifyWhitespace: true,
      // Its own settings, not those of a tsconfig.json that lies above by chance.
      tsconfigRaw: { compilerOptions: { strict: true } },
      logLevel: "silent",
    });
    return result.outputFiles[0]!.text;
  } catch (error) {
    const problems = (error as BuildFailure).errors?.map(
      ({ text, location }) => `${location?.file ?? entry}:${location?.line ?? 0}: ${text}`,
    );
    if (!problems) throw error;
    throw new pulumi.RunError(`${entry} cannot be bundled:\n  ${problems.join("\n  ")}`);
  }
}
