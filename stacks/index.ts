/** The lab as a Pulumi program: configuration in, resources declared, everything a client needs out. */
import { readConfig } from "./config";
import { lab } from "./lab";

export = lab(readConfig());
