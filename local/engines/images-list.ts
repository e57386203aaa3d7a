/**
 * The list of images that this lab has built. Building one here means to put its files below a folder; the image's name
 * then stands for that folder and for what is started in it.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import type { BuiltImage } from "./interface";

export type { BuiltImage };

const imagesSchema = z.record(
  z.string(),
  z.object({
    folder: z.string().min(1),
    command: z.array(z.string().min(1)).min(1).optional(),
    python: z.string().min(1).optional(),
    environment: z.record(z.string(), z.string()),
    digest: z.string(),
    builtAt: z.string(),
    bytes: z.number(),
  }),
);
type Images = Readonly<Record<string, BuiltImage>>;

const imagesFile = (cloudFolder: string) => join(cloudFolder, "images.json");
/** One change of a list after the other. */
const changes = new Map<string, Promise<unknown>>();

/** By name as services give it, with its tag. */
export function builtImages(cloudFolder: string): Images {
  const file = imagesFile(cloudFolder);
  if (!existsSync(file)) return {};
  const parsed = imagesSchema.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
  throw new Error(`images ${file}: ${problems.join("; ")}; remove the file and run npx sparklab image build`);
}

/** Makes an image known, as a push to a registry does. */
export const registerImage = (cloudFolder: string, reference: string, image: BuiltImage): Promise<void> =>
  change(cloudFolder, (images) => ({ ...images, [reference]: image }));

/** Forgets the images whose names begin so, as a deleted repository does. */
export const forgetImages = (cloudFolder: string, prefix: string): Promise<void> =>
  change(cloudFolder, (images) =>
    Object.fromEntries(Object.entries(images).filter(([reference]) => !reference.startsWith(prefix))),
  );

function change(cloudFolder: string, next: (images: Images) => Images): Promise<void> {
  const file = imagesFile(cloudFolder);
  const before = changes.get(file) ?? Promise.resolve();
  const done = before.then(async () => {
    const images = builtImages(cloudFolder);
    const wanted = next(images);
    if (JSON.stringify(wanted) === JSON.stringify(images)) return;
    await mkdir(cloudFolder, { recursive: true, mode: 0o700 });
    await writeFileAtomic(file, `${JSON.stringify(wanted, null, 2)}\n`, { mode: 0o600 });
  });
  changes.set(
    file,
    done.catch(() => undefined), // Whoever asked for the change hears of it.
  );
  return done;
}
