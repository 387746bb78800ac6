/**
 * Brands that are sold in many countries, so that a new site knows some before it has a catalogue. What the site's own
 * catalogue holds comes first and counts more (`BrandSource`). Owners of many brands are marked with `*`: on a label
 * they are the maker more often than the brand.
 */
export const knownBrands: readonly string[] = `
7UP|Absolut|Activia|Actimel|Adidas|Ahmad Tea|Alpro|Always|Always Fresh|Amul|Aperol|Aptamil|Aquafresh|Ariel|Arla|Aunt Jemima|Aveeno|Axe|Bacardi|Bahlsen|Baileys|Balea|Ballantine's|
Barilla|Bebivita|Becel|Becks|Ben & Jerry's|Bertolli|Betty Crocker|Bic|Biotherm|Birds Eye|Bonduelle|Bonne Maman|Boursin|Brita|Budweiser|Cadbury|Calgon|Calvé|Campari|Campbell's|
Capri-Sun|Carlsberg|Cesar|Cheerios|Cheetos|Chiquita|Chobani|Cif|Cillit Bang|Clearasil|Clif|Coca-Cola|Colgate|Corona|Côte d'Or|Crest|Danio|Danone|Danette|De Cecco|Del Monte|Delverde|Demeter|
Dettol|Dole|Domestos|Doritos|Douwe Egberts|Dove|Dr Pepper|Dr. Oetker|Duracell|Ecover|Ehrmann|Elmex|Elvive|Emmi|Energizer|Eucerin|Evian|Fa|Fairy|Fanta|Felix|Ferrero Rocher|Finish|Fisherman's Friend|
Fleury Michon|Frosch|Frosties|Fruit of the Loom|Fruttis|Galbani|Garnier|Gatorade|Gerber|Gillette|Goya|Granini|Green Giant|Guinness|Gü|Haribo|Häagen-Dazs|Head & Shoulders|Heineken|Heinz|Hellmann's|
Hershey's|Hipp|Hugo Boss|Huggies|Innocent|Iglo|Jack Daniel's|Jacobs|Jarritos|Jell-O|Jif|John Frieda|Johnnie Walker|Johnson's|Kashi|Kellogg's|Kérastase|Kettle|Kiehl's|Kikkoman|Kinder|Kind|Kiri|Kit Kat|KitKat|Kleenex|
Knorr|Koopmans|La Roche-Posay|La Vache qui rit|Lactel|Lancôme|Lavazza|Lay's|Leibniz|Libby's|Lindt|Lipton|Listerine|Loacker|Lotus|Lucozade|LU|Lux|Lurpak|M&M's|Maggi|Magnum|Maille|Maltesers|Manner|Marmite|Mars|
Martini|Maybelline|McCain|McVitie's|Mentos|Meßmer|Milka|Milram|Minute Maid|Monster Energy|Monini|Moët & Chandon|Mountain Dew|Mr. Clean|Müller|Mulino Bianco|Mutti|Nature Valley|Nescafé|Nespresso|Nesquik|Nestea|Neutrogena|
Nivea|Nivea Men|Nutella|O.B.|Oatly|Ocean Spray|Old El Paso|Old Spice|Oral-B|Orangina|Oreo|Ovomaltine|Palmolive|Pampers|Panzani|Pantene|Parmalat|Paulaner|Pedigree|Pepsi|Pepsi Max|Perrier|Persil|Philadelphia|Pickwick|
Playmobil|Pledge|Pom-Bear|Post|Powerade|Président|Prince|Pringles|Purina|Quaker|Ragú|Red Bull|Reese's|Rexona|Ricola|Ritter Sport|Ritz|Rowntree's|Royal Canin|Ruffles|S.Pellegrino|San Pellegrino|Sanex|Schär|Schwarzkopf|
Schweppes|Seeberger|Sensodyne|Signal|Skittles|Skippy|Smirnoff|Snickers|Special K|Sprite|St. Ives|Starbucks|Stella Artois|Sunsilk|Tabasco|Tampax|Tassimo|Tempo|Tesco|Tetley|Tic Tac|Tide|Toblerone|Toffifee|Tropicana|Twinings|Twix|
Uncle Ben's|Ben's Original|Valio|Vanish|Vaseline|Veet|Vichy|Volvic|Vittel|Walkers|Wasa|Weetabix|Weihenstephan|Werther's Original|Whiskas|Yakult|Yoplait|Zewa|Ziploc|Zott|Zywiec|Cidacos|Gallo|Hero|Hacendado|Carbonell|La Costeña|Bimbo|Marinela|Gamesa|Nongshim|Maruchan|Indomie|Lee Kum Kee|Pocky|Meiji|Kikkoman|Yopro|HiPro|Bjorg|Gerblé|Carte Noire|Michel et Augustin|Cristaline|Badoit|Saint-Agur|Elle & Vire|Alnatura|dmBio|Rapunzel|Lavera|Weleda|Dr. Hauschka|Sante|L'Oréal Paris|L'Oréal|The Ordinary|CeraVe|Cetaphil|Bioderma|Avène|Nuxe|Caudalie|Uriage|
Storck*|Beiersdorf*|Unilever*|Nestlé*|Ferrero*|Procter & Gamble*|Henkel*|Mondelez*|Kraft*|General Mills*|PepsiCo*|Reckitt*|Colgate-Palmolive*|Johnson & Johnson*|Danone*|Lactalis*|Bestfoods*|Conagra*|Kao*
`
  .split('|')
  .map((brand) => brand.trim())
  .filter((brand) => brand !== '')
