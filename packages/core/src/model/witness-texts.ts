/**
 * What a witness is made of. Each text moves with something that changes vectors: a prefix weighs most on a short
 * one; folding of case and marks, the tokens of other scripts, numbers and white space are in the next ones; the
 * last two end where a shorter limit of the input would cut them off. A registry keeps the texts of its witnesses,
 * so these may change without making an old one useless; but there is no reason to.
 */
export const witnessTexts: readonly string[] = Object.freeze([
  'Harbour',
  'The ferry to the island leaves at half past seven, and the last one back at noon.',
  'US officials asked us in Nice whether a nice POLISH maid would polish silver: naïve, coöperation, Ångström, résumé.',
  'Поезд идёт на север мимо озёр. 東京の朝は静かです。 مكتبة المدينة مفتوحة اليوم. नदी के किनारे एक पुराना घर है।',
  'for (let i = 0; i < 12; i += 1) {\n\ttotal += price[i] * 1.19;\n}\n// 3,499.00 EUR, order #2041-B, due 2031-05-17T08:30:00Z',
  `Bread rises because yeast eats sugar and breathes out gas, which the dough holds in a web of gluten. Kneading builds that web; salt slows the yeast and tightens it. A warm kitchen hurries the work along, a cold cellar draws it out over a night and gives the crumb its sour taste. Before it goes into the oven the loaf is cut, so that the crust opens where the baker wants it to. Steam keeps the skin soft for the first minutes. Later it dries, browns and begins to sing as it cools on the rack.`,
  `The keeper of the lighthouse wrote down everything. On Monday he noted eleven ships, a broken hinge and the price of lamp oil. On Tuesday fog came in from the west, and he counted the strokes of the bell instead: one every forty seconds, from four in the afternoon until the moon stood over the chapel. A trawler answered with its horn and turned away from the reef. Nobody ever thanked him for such nights, nor did he expect it.
His sister kept bees on the mainland. Each spring she moved the hives from the orchard to the heath, by cart, before sunrise, with wet cloth over the entrances. She sold candles to the church and honey to the school, and sent him a jar with every third boat. In return he mended her clocks. There were seven of them, no two of which agreed, and she liked to say that a house with one clock knows the hour, while a house with many only knows that time is passing.
In the year of the long winter the sea froze as far as the outer buoys. Boys walked across to the rock to see whether the stories about the cellar were true. They found shelves of ledgers, a telescope without a lens, charts of coasts that no longer look like that, and a stove so small that it could heat a pair of hands but not a room. The keeper gave them tea. He showed them how to read the barometer, why the lamp turns on a bath of mercury, and which of the planets can be seen at noon by those who know where to look.
Engineers arrived when the ice had gone. They measured the tower, drilled into its foot, and hung a cable from the gallery down to a shed with a diesel engine. From now on a photocell would light the lamp at dusk. A letter offered the keeper a pension, a medal, and rooms above the customs house. He carried the ledgers down himself, forty-one volumes in oilcloth, and refused to let anybody help him on the stairs.
Today the museum shows them under glass. Visitors turn the pages on a screen; the index finds storms, wrecks, birds and comets, but not the bees, which he never called by that word. He wrote only that sweetness had come by boat. Scholars needed years to understand this, until a schoolteacher compared the dates with the bills of the chapel and found, beside each entry, the same amount of wax.`,
]);
