/**
 * Which model answers: one that never changes, as Vertex AI deploys it, or the champion, whichever that is now. A new
 * champion takes over between two requests; one that is wrong never does.
 */
import { setTimeout as pause } from "node:timers/promises";
import schema from "../../pyspark/champion.schema.json";
import { parseBundle } from "./bundle";
import { DocumentError, kindOf, parseDocument } from "./document";
import { Model } from "./model";
import type { ReadObject } from "./storage";

/** As pyspark/champion.schema.json describes it. */
export interface Pointer {
  version: string;
  bundle: string;
  pipelineId: string;
  pipelineJob: string;
  setAt: string;
  model?: string;
}

/** What a request takes once and keeps to its end. */
export interface Answering {
  model: Model;
  /** Of a champion: who made it one. */
  pointer?: Pointer;
}

export interface Models {
  /** Undefined while there is no champion yet. */
  readonly current: Answering | undefined;
  /** Why there is no model, or why the newest does not answer. */
  readonly problem: string | undefined;
  /** Looks whether there is another model; looks that overlap are one. */
  look: () => Promise<void>;
}

export interface Events {
  changed: (version: string, generation: string) => void;
  failed: (problem: Error) => void;
}

const POINTER = kindOf<Pointer>("champion", "the training pipeline", schema);

/** @throws DocumentError or StorageError: a container without its model has nothing to do */
export async function fixedModel(folder: string, read: ReadObject): Promise<Models> {
  const model = new Model(await bundleAt(`${folder.replace(/\/$/, "")}/bundle.json`, read));
  return { current: { model }, problem: undefined, look: async () => undefined };
}

async function bundleAt(uri: string, read: ReadObject) {
  const object = await read(uri);
  if (object === "absent" || object === "unchanged")
    throw new DocumentError(`model bundle ${uri}: got no object; expected what churn_export writes.`);
  return parseBundle(object.text, uri);
}

class NoChampion extends Error {
  constructor(uri: string, current: Answering | undefined) {
    super(
      current
        ? `${uri}: is gone; ${current.model.about.version} goes on. Promote a version.`
        : `No champion yet: ${uri} does not exist. Run the training pipeline, which promotes a model that is good enough.`,
    );
  }
}

/** Follows the pointer to the champion. */
export class Champion implements Models {
  current: Answering | undefined;
  problem: string | undefined;
  private generation: string | undefined;
  private looking: Promise<void> | undefined;

  constructor(
    private readonly uri: string,
    private readonly read: ReadObject,
    private readonly events: Events,
  ) {}

  look(): Promise<void> {
    this.looking ??= this.lookOnce().finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** Looks again and again, each time that long after the look before has ended; resolves once it is told to stop. */
  async watch(seconds: number, stopped: AbortSignal): Promise<void> {
    for (;;) {
      // A stop ends the pause at once; its rejection says no more than that.
      await pause(seconds * 1000, undefined, { signal: stopped }).catch(() => undefined);
      if (stopped.aborted) return;
      await this.look();
    }
  }

  /** The model that is there goes on answering whatever happens; the log and /v1/model say why no other does. */
  private async lookOnce(): Promise<void> {
    try {
      const object = await this.read(this.uri, this.generation);
      if (object === "unchanged") return;
      if (object === "absent") throw new NoChampion(this.uri, this.current);
      this.current = await this.answering(object.text, object.generation);
      this.problem = undefined;
      this.events.changed(this.current.model.about.version, object.generation);
    } catch (error) {
      const { message } = error as Error;
      // Said once, however often it is seen.
      if (message !== this.problem) this.events.failed(error as Error);
      this.problem = message;
    }
  }

  private async answering(text: string, generation: string): Promise<Answering> {
    try {
      const pointer = parseDocument(POINTER, text, this.uri);
      const model = new Model(await bundleAt(pointer.bundle, this.read));
      if (model.about.version !== pointer.version)
        throw new DocumentError(
          `${pointer.bundle}: got model version ${model.about.version}; expected ${pointer.version}, which ${this.uri} names.`,
        );
      this.generation = generation;
      return { model, pointer };
    } catch (error) {
      // What is refused is judged once: neither the pointer of a generation nor a bundle ever changes.
      if (error instanceof DocumentError) this.generation = generation;
      throw error;
    }
  }
}
