/** The languages whose spaces and accents the second reader knows. */
export const languages = ['eng', 'deu', 'fra', 'spa', 'ita', 'por', 'nld'] as const
export type Language = (typeof languages)[number]

/** Words that labels are full of, without their accents, as the first reader gives them, spaces often missing. */
const words: Readonly<Record<Language, RegExp>> = {
  eng: /ingredients|nutrition|serving|calories|contains|water|sugar|flavo|keep|with|best|product|distributed|made in|the\b|and\b/gi,
  deu: /zutaten|nahrwert|brennwert|davon|wasser|zucker|fett|eiwei|kohlenhydrate|mindestens|haltbar|enthalt|saure|stoff|und\b|lagern|ungs/gi,
  fra: /ingredients?\s*:|nutritionnel|valeur|energie|dont|matieres grasses|glucides|proteines|sucre|eau\b|lait|conserver|avant|poudre|bouteille|appellation|chateau|aux?\b|vin\b|une?\b|gelifiant|sirop/gi,
  spa: /ingredientes|nutricional|valor|energia|grasas|hidratos|azucar|proteinas|contenido|agua|hecho|consumir|porcion|conservar|el\b|los\b/gi,
  ita: /ingredienti|nutrizionali|valori|energia|grassi|carboidrati|zuccheri|proteine|acqua|conservare|prodotto|della?\b|latte|consumarsi|cioccolato|confezione|con\b|il\b/gi,
  por: /ingredientes|nutricional|valor|energia|lipidos|gorduras|hidratos|acucar|proteinas|conservar|agua|consumir de|fim|antes do|leite|contem|nao\b|sao\b|com\b/gi,
  nld: /ingredienten|voedingswaarde|energie|waarvan|vetten|koolhydraten|suikers|eiwitten|zout|bewaren|houdbaar|water\b|bevat|een\b|het\b|van\b/gi,
}

/** The language that most of a label's words are of; English when nothing speaks for another. */
export function languageOf(text: string): Language {
  const plain = text.normalize('NFD').replace(/\p{Mn}/gu, '')
  let best: Language = 'eng'
  let most = 0
  for (const language of languages) {
    // Longer words are surer: each counts its letters.
    const score = [...plain.matchAll(words[language])].reduce((sum, [word]) => sum + word.length, 0)
    if (score > most) {
      most = score
      best = language
    }
  }
  return best
}
