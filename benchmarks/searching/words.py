"""A French vocabulary made by rule: no list of words is copied from anywhere.

Three layers, as in the abstracts of a documentation centre: the little words, some two hundred words of its
trade, and a long tail of words that look French (syllables, then a usual ending, with its plural).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate

LITTLE = str.split(
    """de la le et les des en à du dans un une est pour par sur que qui au aux ce cette ces sont avec ont se son
    sa ses leur leurs plus ne pas il elle ils on ou mais entre comme ainsi dont"""
)
TRADE = str.split(
    """quartier ville politique contrat territoire habitant agglomération commune cohésion rénovation banlieue
    logement habitat bailleur locataire loyer propriétaire mixité peuplement attribution copropriété hébergement
    école éducation élève collège lycée enseignant réussite échec scolarité décrochage orientation ségrégation famille
    intégration immigration étranger migrant réfugié accueil nationalité génération langue apprentissage mémoire
    discrimination égalité inégalité racisme préjugé stéréotype origine emploi embauche victime recours droit handicap
    laïcité religion neutralité liberté conscience culte république citoyenneté valeur pluralisme prévention
    participation démocratie conseil citoyen concertation débat association pouvoir mobilisation collectif élu budget
    étude analyse rapport question société acteur action pratique expérience enjeu enquête recherche sociologie
    histoire économie culture travail population jeune enfant femme homme personne groupe place rôle processus effet
    résultat œuvre moyen mesure réforme région département époque situation difficulté solution méthode approche
    perspective réflexion dossier guide outil professionnel intervention accompagnement santé sécurité violence
    police justice insertion exclusion pauvreté précarité mobilité transport commerce équipement service centre sport
    théâtre cinéma musique image identité communauté relation lien solidarité partenariat réseau financement chômage
    entreprise formation diagnostic cœur nœud sœur vœu évaluation évolution gestion projet chantier paysage forêt
    fleuve littoral patrimoine archive lecture bibliothèque jardin métropole frontière pâturage hôpital"""
)
PHRASES = str.split(
    "politique de la ville, contrat de ville, lutte contre les discriminations, égalité des chances, droit d'asile, "
    "rénovation urbaine, mixité sociale, réussite éducative, échec scolaire, liberté de conscience, service public, "
    "logement social, participation des habitants, vie associative, pouvoir d'agir, accès aux droits, cœur de ville, "
    "gestion urbaine de proximité, quartiers prioritaires, conseil citoyen",
    ", ",
)
PLACES = str.split(
    """Valbrune Montclairin Saint-Éloy Roquemaure Bourg-le-Vieux Îles-du-Nord Havrecourt Grandfontaine Pont-d'Or
    Aigueperche Longchêne Étangville Sainte-Aurélie Villefranque Beauséjour"""
)
FIRST_NAMES = str.split(
    """Anne Marc Élise Karim Hélène Paul Nadia Jérôme Léa Olivier Cécile Étienne Fatou Benoît Inès Loïc
    Maïté Samir Zoé Gaëlle Jean-Pierre Marie-Claude Agnès Rémi"""
)

_STARTS = str.split("b br c ch cl cr d dr f fl fr g gl gr j l m n p pl pr qu r s st t tr v")
_MIDDLES = str.split("a e é i o u ou oi ai au an en in on eu")
_CLOSES = ("", "", "", "", "", "", "r", "l", "s")
_ENDINGS = str.split(
    """tion ment té age eur euse iste ique al elle ance ence ure isme oir ade ette aison ier ière ant ien
    ienne if ive eux ée ateur able"""
)


class Drawn:
    """Values drawn by weight, the same ones from the same seed."""

    def __init__(self, values: Sequence[str], *, head: float, slope: float = 1.0) -> None:
        self.values = values
        self._weights = list(accumulate(1 / (n + head) ** slope for n in range(len(values))))

    def some(self, choose: random.Random, n: int) -> list[str]:
        return choose.choices(self.values, cum_weights=self._weights, k=n)

    def one(self, choose: random.Random) -> str:
        return self.some(choose, 1)[0]


def tail(n: int, seed: int) -> list[str]:
    """`n` words that look French, none twice."""
    choose = random.Random(f"tail-{seed}")
    found: dict[str, None] = {}
    while len(found) < n:
        word = "".join(_syllable(choose) for _ in range(choose.choice((1, 1, 2, 2))))
        found[word + choose.choice(_STARTS) + choose.choice(_ENDINGS)] = None
    return list(found)


def surnames(n: int, seed: int) -> list[str]:
    choose = random.Random(f"names-{seed}")
    found: dict[str, None] = {}
    while len(found) < n:
        found["".join(_syllable(choose) for _ in range(choose.choice((2, 2, 3)))).capitalize()] = None
    return list(found)


def other_number(word: str) -> str:
    """The plural of a singular, the singular of a plural, by the school's rules."""
    if word.endswith("eaux"):
        return word[:-1]
    if word.endswith("aux"):
        return word[:-3] + "al"
    if word.endswith("s"):
        return word[:-1]
    if word.endswith("al"):
        return word[:-2] + "aux"
    if word.endswith(("eau", "eu", "œu")):
        return word + "x"
    return word if word.endswith(("x", "z")) else word + "s"


def misspelt(word: str, choose: random.Random) -> str:
    """One letter dropped, swapped with the next, mistaken or doubled; the first one stands."""
    at = choose.randrange(1, len(word) - 1)
    return choose.choice(
        (
            word[:at] + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + choose.choice("aeinrst") + word[at + 1 :],
            word[:at] + word[at] + word[at:],
        )
    )


def _syllable(choose: random.Random) -> str:
    return choose.choice(_STARTS) + choose.choice(_MIDDLES) + choose.choice(_CLOSES)
