"""What can be wrong, in words.

A `Problem` is about a value and leaves the record in; a `Refusal` is about a record that could not go
in and is kept with its bytes. Both carry a code and parameters, never a finished sentence: the sentence
is made in the language of whoever reads it. Every sentence stands in the one table below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalogue.i18n import N_, _

SENTENCES: dict[str, str] = {
    # -- problems beside a field --------------------------------------------------------------
    "call_number.empty": N_("L’exemplaire n’a pas de cote."),
    "date.missing": N_("Écrivez la date, avec l’année sur 4 chiffres, ex. 2024."),
    "date.two_years": N_("Le numéro est daté de « {issue} », mais la date de publication dit « {value} »."),
    "date.unclear": N_("L’année n’a pas été comprise dans « {value} ». Écrivez-la sur 4 chiffres, ex. 2024."),
    "doi.invalid": N_("Ce DOI n’est pas valide : « {value} ». Un DOI commence par 10., ex. 10.5555/abcd."),
    "field.missing": N_("{label} : ce champ est nécessaire pour publier."),
    "field.not_repeatable": N_("{label} ne peut figurer qu’une fois."),
    "isbn.invalid": N_("Cet ISBN n’est pas valide : « {value} ». Vérifiez les chiffres."),
    "issn.invalid": N_("Cet ISSN n’est pas valide : « {value} ». Vérifiez les chiffres."),
    "issue_date.missing": N_("Écrivez la date du numéro, avec l’année sur 4 chiffres, ex. 18/03/2024."),
    "kind.missing": N_("Choisissez le type de document."),
    "subject.missing": N_("Ajoutez au moins un sujet : c’est par lui que l’on trouvera le document."),
    "tag.invalid": N_("« {value} » n’est pas une étiquette UNIMARC : trois chiffres sont attendus."),
    "title.missing": N_("Écrivez le titre, tel qu’il est sur le document."),
    "url.invalid": N_("L’adresse « {value} » doit commencer par http:// ou https://."),
    # -- items --------------------------------------------------------------------------------
    "item.barcode_elsewhere": N_("Le code-barres {barcode} est déjà celui d’un exemplaire de « {title} »."),
    "item.barcode_long": N_("Le code-barres « {barcode}… » est trop long ; l’exemplaire est entré sans, à vérifier."),
    "item.barcode_taken": N_(
        "Le code-barres {barcode} existe déjà ; l’exemplaire est entré sans code-barres, à vérifier."
    ),
    # -- refused records ----------------------------------------------------------------------
    "record.no_title": N_("La notice n’a pas de titre : elle ne peut pas entrer au catalogue."),
    # -- PMB's XML ----------------------------------------------------------------------------
    "pmbxml.bad_code": N_("Zone {tag} : le code de sous-zone « {value} » n’est pas un signe seul."),
    "pmbxml.bad_tag": N_("La notice a une zone sans étiquette lisible (« {value} ») : trois signes sont attendus."),
    "pmbxml.cut": N_(
        "Le fichier s’arrête au milieu de la notice n° {position}. Ce qui précède a été lu ; "
        "refaites l’export pour avoir la suite."
    ),
    "pmbxml.doctype": N_(
        "Ce fichier annonce des définitions (DOCTYPE) que PMB n’écrit jamais : par prudence, il n’est pas lu."
    ),
    "pmbxml.empty": N_("Le fichier est vide."),
    "pmbxml.malformed": N_(
        "Le XML est abîmé dans la notice n° {position}, ligne {line} ({detail}). Ce qui précède a été lu."
    ),
    "pmbxml.markup": N_("Zone {tag} : des balises ont été retirées, leur texte est gardé."),
    "pmbxml.no_notice": N_("Ce XML n’est pas celui de PMB : l’élément « {root} » ne contient aucune notice."),
    "pmbxml.not_xml": N_("Ce fichier n’est pas du XML : un export de PMB commence par « <?xml »."),
    "pmbxml.stray_text": N_("Zone {tag} : le texte « {value} », hors de toute sous-zone, n’a pas été repris."),
    "pmbxml.too_big": N_("La notice n° {position} dépasse {limit} Mo : elle n’est pas lue."),
    "pmbxml.too_many_fields": N_("La notice n° {position} a plus de {limit} zones : elle n’est pas lue."),
    "pmbxml.twin_214": N_("La zone 214 répétait exactement la 210 : une seule est gardée."),
    "pmbxml.unknown_element": N_("L’élément « {value} » n’existe pas dans le XML de PMB : il n’a pas été repris."),
    "pmbxml.web_page": N_(
        "Ce fichier est une page web, pas un export de PMB : refaites l’export en étant connecté à PMB."
    ),
    # -- files --------------------------------------------------------------------------------
    "charset.declared": N_("Le texte a été lu dans le jeu de caractères que la notice annonce."),
    "charset.iso5426": N_("La notice n’annonce pas son jeu de caractères : elle a été lue en ISO 5426."),
    "charset.mixed": N_("Des signes isolés n’étaient pas en UTF-8 : ils ont été lus en Windows-1252."),
    "charset.twice": N_("Le texte avait été mis deux fois en UTF-8 (« Ã© ») : les accents ont été rétablis."),
    "charset.windows": N_("La notice n’est pas en UTF-8 : elle a été lue en Windows-1252. Vérifiez ses accents."),
    "charset.windows_signs": N_("Des signes de Windows (apostrophes, tirets…) ont été remis à leur place."),
    "file.archive": N_("Ce fichier est une archive ou un document de bureau, pas une liste de notices. Lus : {read}."),
    "file.cut_gzip": N_(
        "Le fichier compressé s’arrête avant la fin, à la notice n° {position}. Ce qui précède a été lu ; "
        "copiez-le de nouveau pour avoir la suite."
    ),
    "file.empty": N_("Le fichier est vide."),
    "file.grows": N_(
        "Le fichier compressé devient démesuré une fois ouvert : la lecture s’arrête avant la notice n° {position}."
    ),
    "file.not_read_yet": N_("Ce fichier est au format {format}, que Travée ne lit pas encore. Lus : {read}."),
    "file.pdf": N_("Ce fichier est un PDF, pas une liste de notices. Lus : {read}."),
    "file.picture": N_("Ce fichier est une image, pas une liste de notices. Lus : {read}."),
    "file.unknown": N_("Ce fichier n’est dans aucun format que Travée connaît. Lus : {read}."),
    "file.web_page": N_(
        "Ce fichier est une page web, pas une liste de notices : refaites l’export en étant connecté à votre logiciel."
    ),
    "import.interrupted": N_("L’import a été interrompu ; relancez-le, ce qui était entré ne sera pas doublé."),
    "import.stopped": N_(
        "La base n’a pas répondu ({detail}). Relancez l’import : ce qui est entré ne sera pas doublé."
    ),
    "import.unreadable": N_(
        "La lecture s’est interrompue ({detail}). Relancez l’import : ce qui est entré ne sera pas doublé."
    ),
    "iso2709.charset": N_(
        "La notice n° {position} est dans un jeu de caractères que Travée ne lit pas encore (« {value} » en 100 $a)."
    ),
    "iso2709.controls": N_("Des caractères de contrôle, invisibles, ont été retirés."),
    "iso2709.cut": N_(
        "Le fichier s’arrête au milieu de la notice n° {position}. Ce qui précède a été lu ; "
        "refaites l’export pour avoir la suite."
    ),
    "iso2709.directory": N_("Le répertoire de la notice n° {position} est abîmé : ses zones ne se distinguent plus."),
    "iso2709.lengths": N_("Les longueurs annoncées étaient fausses : la notice a été lue d’après ses séparateurs."),
    "iso2709.no_directory": N_("La notice n° {position} n’a pas de répertoire : ce n’est pas de l’ISO 2709."),
    "iso2709.no_subfield": N_("Zone {tag} : son texte n’était dans aucune sous-zone, il est mis en $a."),
    "iso2709.no_terminator": N_("La dernière notice n’a pas de marque de fin ; elle est entière."),
    "iso2709.not_marc": N_("Ce fichier n’est pas de l’ISO 2709 : aucune zone ne s’y trouve."),
    "iso2709.stray_text": N_("Zone {tag} : le texte « {value} », hors de toute sous-zone, n’a pas été repris."),
    "iso2709.too_big": N_("La notice n° {position} dépasse {limit} Mo : elle n’est pas lue."),
    "iso2709.too_many_fields": N_("La notice n° {position} a plus de {limit} zones : elle n’est pas lue."),
    "record.authority": N_("C’est une notice d’autorité (auteur, sujet…), pas celle d’un document."),
    "record.marc21": N_("La notice est en MARC 21, que Travée ne lit pas encore."),
    "record.number_repeated": N_(
        "Le n° {number} a déjà servi pour une autre notice de ce fichier : celle-ci n’est pas entrée."
    ),
    "record.number_too_long": N_(
        "Le n° de la notice (« {number}… ») dépasse {limit} signes : il est sans doute abîmé, elle n’est pas entrée."
    ),
    # -- asking a partner (OAI-PMH) -----------------------------------------------------------
    "oai.bad_url": N_("« {url} » n’est pas l’adresse d’un serveur : elle doit commencer par http:// ou https://."),
    "oai.busy": N_(
        "Le serveur {host} est occupé (HTTP {status}) et l’est resté après plusieurs essais. "
        "Ce qui était reçu est gardé ; relancez la moisson plus tard."
    ),
    "oai.certificate": N_(
        "Le certificat de {host} n’est pas valable : la connexion n’est pas sûre, rien n’a été demandé."
    ),
    "oai.come_back": N_("Le serveur {host} demande de revenir dans {minutes} minutes : la moisson s’arrête là."),
    "oai.cut_answer": N_("La réponse de {host} s’est interrompue en route, plusieurs fois de suite."),
    "oai.cut_page": N_(
        "La page {page} s’arrête au milieu : le serveur n’a pas tout envoyé. Les pages précédentes sont gardées ; "
        "relancez la moisson pour avoir la suite."
    ),
    "oai.doctype": N_(
        "La page {page} annonce des définitions (DOCTYPE) qu’OAI-PMH ne connaît pas : par prudence, elle n’est pas lue."
    ),
    "oai.down": N_("Le serveur {host} ne répond pas. Rien n’est perdu ; relancez la moisson plus tard."),
    "oai.empty": N_(
        "Le serveur {host} répond, mais par une page vide. Un PMB fait cela quand le numéro de source "
        "(source_id) n’existe pas : vérifiez l’adresse."
    ),
    "oai.endless": N_(
        "La liste tourne en rond : la page {page} redonne ce qui était déjà reçu. La moisson s’arrête là."
    ),
    "oai.error": N_("Le serveur refuse la demande : {code}. Il dit : « {text} »"),
    "oai.expired_token": N_(
        "Le serveur a oublié où la moisson en était (jeton expiré), même après un nouveau départ. "
        "Ce qui était reçu est gardé."
    ),
    "oai.forbidden": N_("Le serveur {host} refuse l’accès (HTTP {status}) : demandez l’autorisation au partenaire."),
    "oai.format_empty": N_(
        "Le serveur donne des notices vides dans le format {prefix} : vérifiez ce format avec le partenaire."
    ),
    "oai.format_refused": N_("Le serveur ne donne pas le format {prefix}. Il propose : {offered}."),
    "oai.http": N_("Le serveur {host} répond par une erreur (HTTP {status})."),
    "oai.http_empty": N_("Le serveur {host} répond par une erreur (HTTP {status}) et une page vide."),
    "oai.interrupted": N_(
        "La moisson a été interrompue ici (arrêt du programme ou de la machine). "
        "Ce qui était reçu est gardé ; la suivante reprendra."
    ),
    "oai.less_than_announced": N_(
        "Le serveur annonçait {announced} notices et n’en a donné que {received}. Ce qui est reçu est gardé."
    ),
    "oai.list_broken": N_(
        "Le serveur {host} se présente bien, mais sa liste de notices échoue (HTTP {status}, page vide). "
        "Un PMB fait cela sous une version de PHP trop récente pour lui : signalez-le au partenaire."
    ),
    "oai.malformed": N_(
        "Le XML de la page {page} est abîmé, ligne {line} ({detail}). Les pages précédentes sont gardées."
    ),
    "oai.no_list": N_("La page {page} est bien de l’OAI-PMH, mais ne contient pas de liste de notices."),
    "oai.no_pages": N_("Cette moisson n’a gardé aucune page : il n’y a rien à relire."),
    "oai.not_found": N_("L’adresse n’existe pas sur le serveur {host} (HTTP {status}) : vérifiez-la."),
    "oai.not_oai": N_("Le serveur {host} répond autre chose que de l’OAI-PMH : vérifiez l’adresse."),
    "oai.other_format": N_(
        "Les notices arrivent dans un format que Travée ne lit pas encore (« {root} »). "
        "Demandez pmb_xml_unimarc au partenaire."
    ),
    "oai.page_lost": N_(
        "La page {page} gardée de cette moisson manque ou a changé sur le disque : elle n’est pas relue."
    ),
    "oai.private_address": N_(
        "L’adresse {host} est celle d’un réseau privé. Si c’est voulu, déclarez la source locale (--local)."
    ),
    "oai.redirected": N_("Le serveur {host} renvoie vers une autre adresse, {url}, où la moisson ne va pas."),
    "oai.redirects": N_("Le serveur {host} renvoie d’une adresse à l’autre sans fin."),
    "oai.repaired_around": N_("Page {page} : le texte autour du XML a été laissé de côté (« {text} »)."),
    "oai.repaired_characters": N_("Page {page} : des caractères interdits en XML ont été retirés."),
    "oai.repeated_token": N_(
        "Le serveur redonne un jeton déjà servi (page {page}) : la liste n’aurait pas de fin. La moisson s’arrête là."
    ),
    "oai.restarted": N_("Page {page} : le serveur avait oublié où la moisson en était ; elle est repartie du début."),
    "oai.slow": N_("Le serveur {host} met trop de temps à répondre. Ce qui était reçu est gardé."),
    "oai.too_big": N_("Une page de {host} dépasse {limit} Mo : elle n’est pas lue."),
    "oai.unbalanced": N_("Les comptes de cette moisson ne tombent pas juste ({received} reçues, {counted} comptées)."),
    "oai.unconfigured": N_(
        "Cette source existe chez le partenaire, mais n’y est pas réglée : demandez-lui de l’enregistrer dans son PMB."
    ),
    "oai.unknown_set": N_("Le serveur ne connaît pas l’ensemble « {set} » : vérifiez le nom avec le partenaire."),
    "oai.web_page": N_(
        "Le serveur {host} répond par une page web au lieu de notices (maintenance, connexion demandée ?)."
    ),
    "oai.wrong_counters": N_(
        "Le serveur annonçait {announced} notices, {received} sont venues : ses compteurs sont faux."
    ),
    # -- records of a partner -----------------------------------------------------------------
    "harvest.empty": N_(
        "La notice {identifier} arrive vide : elle est sans doute en cours de suppression chez le partenaire. "
        "Elle sera relue à la prochaine moisson."
    ),
    "harvest.failed": N_(
        "Une page reçue a mis Travée en défaut ({error}). Elle est gardée ; signalez-le, puis relancez la moisson."
    ),
    "harvest.ghost": N_(
        "La notice {identifier} arrive sans date : elle est sans doute en cours de suppression chez le partenaire. "
        "Elle sera relue à la prochaine moisson."
    ),
    "harvest.no_identifier": N_(
        "La notice n° {number} de la page {page} n’a pas d’identifiant : elle ne peut pas être suivie."
    ),
    "harvest.other_format": N_("La notice {identifier} arrive dans un format que Travée ne lit pas (« {root} »)."),
    # -- a thesaurus --------------------------------------------------------------------------
    "skos.cycle": N_("« {concept} » et « {broader} » sont chacun plus large que l’autre : ce lien n’a pas été repris."),
    "skos.deprecated": N_("« {concept} » est abandonné dans ce thésaurus : il n’est pas repris."),
    "skos.entities": N_(
        "Le fichier {file} appelle d’autres fichiers ou des entités en chaîne : par prudence, il n’est pas lu."
    ),
    "skos.malformed": N_("Le fichier {file} n’est pas lisible ({detail})."),
    "skos.no_concept": N_("Le fichier {file} ne contient aucun concept SKOS."),
    "skos.no_label": N_("{concept} n’a pas de libellé : il n’est pas repris."),
    "skos.too_big": N_("Le fichier {file} dépasse {limit} Mo : il n’est pas lu."),
    "skos.two_labels": N_(
        "« {concept} » a deux libellés préférés en « {language} » : « {label} » devient un synonyme."
    ),
}


def sentence(code: str, params: Mapping[str, object] | None = None) -> str:
    """The sentence of a code, in the current language; an unknown code shows itself rather than nothing."""
    template = _(SENTENCES[code]) if code in SENTENCES else code
    try:
        return template.format(**(params or {}))
    except (KeyError, IndexError, ValueError):
        return template


@dataclass(frozen=True, slots=True)
class Problem:
    """Something a person should look at; the record goes in all the same.

    `level` is "error" (publishing from a form waits for it), "warning" or "info" (said, nothing to do).
    """

    tag: str
    subfield: str
    code: str
    level: str = "warning"
    params: Mapping[str, object] = field(default_factory=dict)

    @property
    def message(self) -> str:
        return sentence(self.code, self.params)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record, or what is left of one, that could not go in: kept as received, named, and retried."""

    position: int
    identifier: str
    code: str
    params: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""

    def sentence(self) -> str:
        return sentence(self.code, self.params)
