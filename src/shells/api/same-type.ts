// Compares two types at compile time, leaving `readonly` aside: each must be assignable to the other.

type Mutable<T> = T extends string | number | boolean | null | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? Mutable<Item>[]
    : { -readonly [Key in keyof T]: Mutable<T[Key]> };

type Fits<A, B> = [A] extends [B] ? true : false;

/** `true` where the two say the same, else `never`, which nothing can be assigned to. */
export type Same<A, B> =
  Fits<Mutable<A>, Mutable<B>> extends true ? (Fits<Mutable<B>, Mutable<A>> extends true ? true : never) : never;

/** As an answer is handed on: nobody changes it any more. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? readonly DeepReadonly<Item>[]
      : { readonly [Key in keyof T]: DeepReadonly<T[Key]> };
