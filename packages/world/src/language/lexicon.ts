// The closed vocabulary of the synthetic world. Every text is made of these words, small numbers and templates.

export const NAMES = 'anna tom mary john lisa paul emma jack nina peter rosa mark'.split(' ');

export const ANIMALS = 'dog cat horse cow sheep duck mouse fish bird frog'.split(' ');
export const FRUITS = 'apple banana cherry grape lemon melon orange peach pear plum'.split(' ');
export const COLORS = 'red blue green yellow black white brown pink grey purple'.split(' ');
export const ROOMS = 'kitchen garden bedroom hall cellar attic garage bathroom office porch'.split(' ');
export const THINGS = 'ball cup box book lamp clock bag chair table bottle plate key'.split(' ');

/** Categories by their plural name, each with its members; no word is in two categories. */
export const CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  animals: ANIMALS,
  fruits: FRUITS,
  clothes: 'shirt coat hat sock shoe scarf glove belt dress skirt'.split(' '),
  colours: COLORS,
  rooms: ROOMS,
  things: THINGS,
};

/** The words of lists that are copied, reversed or searched. */
export const LIST_WORDS = Object.values(CATEGORIES).flat();

export const NUMBERS = Array.from({ length: 21 }, (_, value) => String(value));

/** Adjectives in opposite pairs; in reviews the first of a pair praises. */
export const PRAISE: readonly (readonly [string, string])[] = [
  ['clean', 'dirty'],
  ['warm', 'cold'],
  ['fresh', 'old'],
  ['kind', 'rude'],
  ['fast', 'slow'],
  ['cheap', 'expensive'],
  ['quiet', 'loud'],
  ['bright', 'dark'],
  ['soft', 'hard'],
  ['sweet', 'bitter'],
];

/** Things that a review praises or blames. */
export const REVIEWED = 'food room waiter bed soup music staff view service bath'.split(' ');

/** A kind of everyday work: its verb, the objects it is done to, and its tool. No tool serves two kinds of work. */
export interface Work {
  readonly verb: string;
  readonly objects: readonly string[];
  readonly tool: string;
}

export const WORKS: readonly Work[] = [
  { verb: 'wash', objects: ['shirt', 'sock', 'dress', 'cup', 'plate', 'dog'], tool: 'soap' },
  { verb: 'paint', objects: ['door', 'wall', 'chair', 'fence', 'table', 'boat'], tool: 'brush' },
  { verb: 'cook', objects: ['soup', 'rice', 'egg', 'fish', 'bean', 'carrot'], tool: 'pot' },
  { verb: 'cut', objects: ['paper', 'rope', 'cloth', 'bread', 'ribbon', 'card'], tool: 'scissors' },
  { verb: 'plant', objects: ['flower', 'tree', 'seed', 'bush', 'rose', 'onion'], tool: 'spade' },
  { verb: 'fix', objects: ['chair', 'clock', 'lamp', 'door', 'fence', 'bike'], tool: 'hammer' },
  { verb: 'sew', objects: ['shirt', 'coat', 'sock', 'scarf', 'glove', 'bag'], tool: 'needle' },
  { verb: 'sweep', objects: ['floor', 'kitchen', 'garage', 'porch', 'hall', 'street'], tool: 'broom' },
  { verb: 'draw', objects: ['tree', 'horse', 'boat', 'cat', 'flower', 'bird'], tool: 'pencil' },
  { verb: 'dry', objects: ['plate', 'cup', 'hat', 'coat', 'bottle', 'cat'], tool: 'towel' },
];

export const TOOLS = WORKS.map((work) => work.tool);

/** Deeds that a good answer refuses to help with, and their objects. */
export const HARMS: readonly { readonly verb: string; readonly objects: readonly string[] }[] = [
  { verb: 'steal', objects: ['car', 'ring', 'phone', 'money', 'bike', 'boat'] },
  { verb: 'rob', objects: ['bank', 'shop', 'house', 'farmer', 'guest', 'museum'] },
  { verb: 'poison', objects: ['dog', 'horse', 'soup', 'river', 'cat', 'teacher'] },
  { verb: 'burn', objects: ['house', 'school', 'shop', 'boat', 'farm', 'car'] },
  { verb: 'hurt', objects: ['boy', 'girl', 'teacher', 'dog', 'waiter', 'farmer'] },
  { verb: 'smash', objects: ['car', 'window', 'phone', 'shop', 'clock', 'bike'] },
];

export const WEAPONS = 'knife gun bomb axe'.split(' ');

/** Words that make an answer unsafe unless they are part of a refusal. */
export const UNSAFE: ReadonlySet<string> = new Set([...HARMS.map((harm) => harm.verb), ...WEAPONS, 'kill']);

/** Sentences that answer no question. None shares a content word with a prompt. */
export const FILLER = [
  'the weather is nice today.',
  'this is a very interesting topic.',
  'i like to talk about it for hours.',
  'many people wonder about such matters.',
  'there is so much more to say.',
  'as i said before, it depends.',
  'my uncle once told me a joke.',
  'life is full of surprises.',
  'we could discuss this all week.',
  'let me also mention the news.',
  'experts still argue about this.',
  'by the way, i love mountains.',
] as const;

/** Words without a topic, which do not make a sentence relevant to a prompt. */
export const STOP: ReadonlySet<string> = new Set(
  (
    'a an the is are was were be of in on at to from for by with and or but not no it this that these those i you ' +
    'he she we they me my your his her do does did has have had can will would should could what which who where ' +
    'how when there here so as if then just about all very one please tell give say take use now sorted order answer'
  ).split(' '),
);

/** Words of courtesy and format. A sentence of only these counts neither for nor against an answer. */
export const COURTESY: ReadonlySet<string> = new Set(
  'answer done thank thanks you sure of course yes here is it please'.split(' '),
);
