import { drop, type Fragment, type Layout } from './layout.ts'

/**
 * The words of wine labels that are not the estate: where the law says how a place, a grape or a bottling is named, the
 * largest words are often one of these.
 */

/** Regions whose name may stand alone on a label, without accents. */
const regions = [
  'alsace|ardeche|arbois|aloxe.?corton|anjou|bandol|banyuls|barsac|beaujolais|beaune|bergerac|blaye|bordeaux|bourg|bourgogne',
  'bourgueil|brouilly|buzet|cabardes|cadillac|cahors|canon.?fronsac|cassis|chablis|champagne|chambertin|chinon|clairette.*',
  'collioure|condrieu|corbieres|cornas|corse|coteaux.*|cotes?\\s.*|cremant.*|crozes.?hermitage|entre.?deux.?mers|faugeres|fitou',
  'fleurie|fronsac|fronton|gaillac|gevrey.?chambertin|gigondas|givry|graves|haut.?medoc|hermitage|irouleguy|jura|jurancon',
  'julienas|lalande.?de.?pomerol|languedoc|limoux|lirac|listrac|loire|loupiac|luberon|lussac.*|macon.*|madiran|margaux|maury',
  'medoc|menetou.?salon|mercurey|meursault|minervois|monbazillac|montagne.?saint.?emilion|morgon|moulin.?a.?vent|moulis|muscadet.*',
  'muscat.*|nuits.?saint.?georges|pacherenc.*|pauillac|pecharmant|pessac.?leognan|picpoul.*|pomerol|pomm?ard|pouilly.*|premieres?\\s.*',
  'provence|puisseguin.*|puligny.*|quincy|rasteau|reuilly|rivesaltes|roussillon|rully|saint.?(?:amour|chinian|emilion|estephe|joseph|julien|nicolas.*|peray|veran)',
  'sancerre|saumur.*|sauternes|savennieres|savoie|tavel|touraine|tursan|vacqueyras|valencay|ventoux|vinsobres|viognier|volnay|vougeot|vouvray',
  'abruzzo|alba|amarone.*|asti|barbaresco|barbera.*|bardolino|barolo|bolgheri|brunello.*|chianti.*|dolcetto.*|franciacorta|frascati',
  'gavi|lambrusco.*|langhe|lugana|marsala|montalcino|montepulciano.*|nobile.*|orvieto|piemonte|primitivo.*|prosecco.*|puglia|salento|sicilia',
  'soave|taurasi|terre.*|toscana|umbria|valpolicella.*|valdobbiadene.*|veneto|vermentino.*|vernaccia.*',
  'alicante|almansa|bierzo|calatayud|campo.?de.?borja|carinena|cava|jerez.*|jumilla|la.?mancha|malaga|montsant|navarra|penedes|priorat|rias.?baixas',
  'ribera.*|rioja.*|rueda|somontano|toro|utiel.*|valdepenas|yecla|alentejo|bairrada|dao|douro|madeira|porto|setubal|vinho.?verde',
  'ahr|baden|franken|mittelrhein|mosel|nahe|pfalz|rheingau|rheinhessen|wurttemberg|burgenland|kamptal|kremstal|steiermark|wachau|wagram|weinviertel|valais|vaud',
  'maipo.*|colchagua.*|mendoza|napa.*|sonoma.*|barossa.*|marlborough|stellenbosch|tokaj.*',
].join('|')

const grapes =
  'aligote|alvarinho|albarino|arneis|auxerrois|barbera|blauburgunder|bobal|bonarda|cabernet.*|carignan|carmenere|chardonnay|chasselas|chenin.*|cinsault|colombard|cortese|corvina|dornfelder|fiano|gamay|garganega|garnacha.*|gewurztraminer|glera|grauburgunder|grenache.*|grillo|gruner.?veltliner|lambrusco|macabeo|malbec|manseng|marsanne|mencia|merlot.*|monastrell|mondeuse.*|mourvedre|muller.?thurgau|nebbiolo|negroamaro|nero.?d.?avola|palomino|petit.?verdot|pinot.*|pinotage|portugieser|primitivo|riesling|roussanne|sangiovese|sauvignon.*|semillon|shiraz|silvaner|spatburgunder|sylvaner|syrah.*|tannat|tempranillo|touriga.*|trebbiano|ugni.*|verdejo|vermentino|viognier|viura|weissburgunder|xarel.?lo|zinfandel|zweigelt'

const otherWords =
  'grand\\s*vin.*|vins?(?:\\s.*)?|cru.*|grand\\s*cru.*|premier\\s*cru.*|ap+.?el.?.?at.*|a[hp]+el.*|m\\s?is\\s?en.*|indication.*|pays\\s*d.*|produi?t.*|sud\\s*de.*|tradition.*|cuvee.*|\\d{4}|reserv[ae].*|superieur.*|demeure.*|eleve.*|recolte.*|millesime.*|vendange.*|vieilles?\\s*vignes|contient.*|rouge|blanc|rose|brut|sec|doux|demi.?sec|extra\\s*(?:brut|dry)|tinto|blanco|rosado|rosso|bianco|rosato|crianza|gran\\s*reserva|joven|riserva|superiore|classico|denominaci.*|denominazione.*|d\\.?o\\.?c\\.?g?|igt|igp|aoc|aop|kabinett|spatlese|auslese|trocken|halbtrocken|lieblich|qualitatswein|erzeugerabfullung|gutsabfullung|red\\s*wine|white\\s*wine|dry|wine\\s*of.*|medaille.*|concours.*'

const wineWord = new RegExp(`^(?:${regions}|${grapes}|${otherWords})$`)
const estate =
  /^(?:chateau|chateaux|domaine|domaines|clos|mas|maison|cave|caves|tenuta|castello|bodegas?|vina|weingut|quinta|casa|cantina|fattoria|podere|villa|abbaye|champagne|les|la|le|baron|comte|marquis)(?:\s+(?:de|du|des|d|les|la|le))?$/

/** A word that stands above the name of an estate and belongs to it: CHATEAU. */
export const isEstateWord = ({ plain }: Fragment): boolean => estate.test(plain.replace(/[^a-z ]/g, ''))

/** Whether a label is one of a wine. */
export function isWine(layout: Layout): boolean {
  return layout.lines.some(({ plain }) =>
    /mis\s?en\s?bout|appel+ation|vin\s?de\b|\bchateau\b|\bmerlot|\bcabernet|grand\s?cru|\bdomaine\b|imbottigliat|denominaci|denominazione|\bmillesime|\bsyrah|\bpinot\b|\bchardonnay|\briesling|\btempranillo|\bsauvignon|weingut|erzeugerabf|\bvinho\b|embotellado/.test(
      plain,
    ),
  )
}

/** Whether a line of a wine label is its place, grape, kind or bottling: by its words, or since the law's line names it again. */
export function isWineWord(line: Fragment, layout: Layout): boolean {
  const bare = line.plain.replace(/^[^a-z\d]+|[^a-z\d]+$/g, '')
  if (wineWord.test(bare)) return true
  const parts = bare.split(/\s*[-–·,&/+|]\s*|\s+et\s+|\s+and\s+/).filter((part) => part !== '')
  if (parts.length > 1 && parts.every((part) => wineWord.test(part))) return true
  const key = bare.replace(/[^a-z]/g, '')
  return layout.lines.some((one) => {
    if (one === line || one.height > line.height) return false
    const law = one.plain.replace(/[^a-z]/g, '')
    if (!/^(?:ap+el|denomina|indica)/.test(law)) return false
    // "Appellation X contrôlée" names it; "Appellation d'origine protégée" stands right below it.
    if (key.length >= 4 && law.includes(key)) return true
    return /d?or[il1]g[il1]n|geogra/.test(law) && drop(line, one) > 0 && drop(line, one) < 1.6
  })
}
