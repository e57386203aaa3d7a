/** One case of the table, and where the engine and its documentation are published. */
export const GENERATOR = "pkg/resource/deploy/step_generator.go";
export const OPTIONS = "pulumi.com/docs/iac/concepts/resources/options";

export interface Row {
  case: string;
  /** Names of its resources, to find its steps among all. */
  names: RegExp;
  created: string[];
  /** In any order, unless `ordered`. */
  changed: string[];
  ordered?: true;
  source: string;
}
