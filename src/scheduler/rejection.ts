// Why a shape's tasks fit nowhere now: a value with numbers, one per rule, that can be checked again.

export type Rejection = {
  /** `memory`, `cpu`, `disk`, `gpus`, `runtime`, `ports`, `state`. */
  readonly rule: string;
  /** How many instances fail this rule; one instance can fail several. */
  readonly instances: number;
  /** What was asked, in the rule's unit; null where the rule has no amount. */
  readonly asked: number | null;
  /** The instance that misses by least, and what it has free and in all. */
  readonly nearest: {
    readonly instanceId: string;
    readonly had: number | null;
    readonly capacity: number | null;
  } | null;
  /** True where no present instance could ever pass, even empty: "never", not "not now". */
  readonly isNever: boolean;
};
