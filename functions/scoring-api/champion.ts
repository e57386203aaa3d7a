/** The model that answers now. A new bundle at the same address takes over between two requests; a wrong one never does. */
import { BundleError, parseBundle } from "./bundle";
import { Model } from "./model";
import type { ReadObject } from "./storage";

/** What became of a look at the bundle. */
export type Look = "unchanged" | "changed" | "failed";

export interface Events {
  changed: (version: string, generation: string) => void;
  failed: (problem: Error) => void;
}

export class Champion {
  private generation: string;
  private looking: Promise<Look> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private unreadable: string | undefined;
  private refused: string | undefined;

  private constructor(
    private readonly uri: string,
    private readonly read: ReadObject,
    private readonly events: Events,
    private current: Model,
    generation: string,
  ) {
    this.generation = generation;
  }

  /** @throws BundleError, or the reader's error, when there is no model to begin with */
  static async load(folder: string, read: ReadObject, events: Events): Promise<Champion> {
    const uri = `${folder.replace(/\/$/, "")}/bundle.json`;
    const object = await read(uri);
    if (!object) throw new Error(`${uri}: got no content; expected a model bundle.`);
    return new Champion(uri, read, events, new Model(parseBundle(object.text, uri)), object.generation);
  }

  /** A request takes the model once and keeps it to its end. */
  get model(): Model {
    return this.current;
  }

  /** Why the newest bundle does not answer: it could not be read, or it is none. */
  get problem(): string | undefined {
    return this.unreadable ?? this.refused;
  }

  /** Looks whether the bundle has changed; looks that overlap are one. */
  look(): Promise<Look> {
    this.looking ??= this.lookOnce().finally(() => (this.looking = undefined));
    return this.looking;
  }

  /** Looks again and again, each time after the one before has ended. */
  watch(seconds: number): void {
    this.timer = setTimeout(() => void this.look().finally(() => this.timer && this.watch(seconds)), seconds * 1000);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private async lookOnce(): Promise<Look> {
    try {
      const object = await this.read(this.uri, this.generation);
      this.unreadable = undefined;
      if (!object) return "unchanged";
      // Also of a bundle that is refused: it is judged once, not at every look.
      this.generation = object.generation;
      this.refused = undefined;
      this.current = new Model(parseBundle(object.text, this.uri));
      this.events.changed(this.current.about.version, this.generation);
      return "changed";
    } catch (error) {
      // The model that is there goes on answering; the log and /v1/model say why the new one does not.
      const { message } = error as Error;
      if (error instanceof BundleError) this.refused = message;
      else this.unreadable = message;
      this.events.failed(error as Error);
      return "failed";
    }
  }
}
