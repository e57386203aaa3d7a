/** One resource type: its shape, its id, and how it is made, read, changed and deleted. */
import type { Content } from "../assets";
import type { CallOptions } from "../provider";
import type { Properties } from "../values";
import type { PropertyChange } from "../events";
import type { GoogleHttp } from "./http";
import type { Shape } from "./shape";

/** What a type's functions may use. */
export interface Context {
  http: GoogleHttp;
  /** Project and region of the provider. */
  project: string;
  region: string;
  content: (asset: Properties) => Promise<Content>;
  /** What an asset was when it was hashed, where that can be told at once. */
  hashedBytes: (asset: Properties) => Buffer | undefined;
  /** Runs read-modify-write cycles on one thing one after the other. */
  exclusive: <T>(key: string, work: () => Promise<T>) => Promise<T>;
}

/** Inputs with the project and location that they fall back to. */
export type Inputs = Properties & { project: string };

export interface Change {
  news: Inputs;
  olds: Inputs;
  /** The REST resource as of the outputs. */
  outputs: Properties;
  id: string;
  changes: readonly PropertyChange[];
}

export interface Descriptor {
  type: string;
  /** Where Google and the official provider document it. */
  source: string;
  shape: Shape;
  /** Output name to its place in the REST resource, or to a function of it and the inputs. */
  outputs: Readonly<
    Record<string, string | ((resource: Properties, inputs: Inputs) => Properties[string] | undefined)>
  >;
  /** Outputs that follow from the inputs alone, so that a preview knows them. */
  planned?: (inputs: Inputs) => Properties;
  /** Id as it stands in Pulumi's state. */
  id: (inputs: Inputs) => string;
  /** The id where the service chooses it; `id` is then never asked. */
  idOf?: (resource: Properties, inputs: Inputs) => string;
  /**
   * All that a creation with such inputs may have made, as `create` answers it, where the service chooses the id;
   * undefined where that cannot be told.
   */
  made?: (context: Context, inputs: Inputs) => Promise<Properties[] | undefined>;
  /** Property that gets a name from the resource's where the program gives none. */
  autoName?: { property: string; length: number };
  deleteBeforeReplace?: true;
  /** Has labels, to which the provider adds its own. */
  labelled?: true;
  /** Has deletionPolicy (DELETE, PREVENT, ABANDON). */
  hasDeletionPolicy?: true;
  secrets?: readonly string[];
  /** Problems that go beyond single properties. */
  check?: (inputs: Properties) => { property: string; reason: string }[];
  /** What no input tells: that what was read last is not what the inputs made. */
  drift?: (context: Context, inputs: Properties, outputs: Properties) => PropertyChange[];
  /** Whether changes that the shape allows in place still need a replacement. */
  replaces?: (olds: Properties, news: Properties) => readonly string[];

  create: (context: Context, inputs: Inputs, options: CallOptions) => Promise<Properties>;
  read: (context: Context, inputs: Inputs, outputs: Properties, id: string) => Promise<Properties | undefined>;
  /** Absent where every property replaces. */
  update?: (context: Context, change: Change, options: CallOptions) => Promise<Properties>;
  /** Why it may not be deleted, if so. */
  refuseDelete?: (inputs: Inputs) => string | undefined;
  delete: (context: Context, inputs: Inputs, outputs: Properties, options: CallOptions, id: string) => Promise<void>;
}

export interface FunctionDescriptor {
  token: string;
  source: string;
  /** Names of the arguments that it understands. */
  args: readonly string[];
  invoke: (context: Context, args: Properties) => Promise<Properties>;
}
