"""What can be wrong, in words.

A `Problem` is about a value and leaves the record in; a `Refusal` is about a record that could not go
in and is kept with its bytes. Both carry a code and parameters, never a finished sentence: the sentence
is made in the language of whoever reads it. Every sentence stands in the one table below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalogue.i18n import N_, _

LONGEST_VALUE = 300  # signs of one value in a sentence

SENTENCES: dict[str, str] = {
    # -- problems beside a field --------------------------------------------------------------
    "call_number.empty": N_("L’exemplaire n’a pas de cote."),
    "date.none": N_("La date n’est pas connue (« {value} »)."),
    "date.impossible": N_("« {value} » n’existe dans aucun calendrier. Vérifiez le jour et le mois."),
    "date.missing": N_("Écrivez la date, avec l’année sur 4 chiffres, ex. 2024."),
    "date.two_years": N_("Le numéro est daté de « {issue} », mais la date de publication dit « {value} »."),
    "date.out_of_range": N_(
        "« {value} » : Travée prend pour une date de publication une année de 1400 à 2099. Vérifiez-la sur le document."
    ),
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
    "item.added_before": N_(
        "Cette page a déjà ajouté un exemplaire, « {call_number} ». Si celui-ci est un autre, enregistrez de nouveau."
    ),
    "item.barcode_elsewhere": N_("Le code-barres {barcode} est déjà celui d’un exemplaire de « {title} »."),
    "item.barcode_long": N_("Le code-barres « {barcode}… » est trop long ; l’exemplaire est entré sans, à vérifier."),
    "item.barcode_taken": N_(
        "Le code-barres {barcode} existe déjà ; l’exemplaire est entré sans code-barres, à vérifier."
    ),
    # -- refused records ----------------------------------------------------------------------
    "record.erased": N_("Cette notice a été effacée d’ici pour toujours : elle n’est pas reprise."),
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
    "pmbxml.too_big": N_(
        "La notice n° {position} dépasse {limit} Mo : elle n’est pas lue, seul son début est gardé ici. "
        "Corrigez-la dans son logiciel, puis importez de nouveau le fichier."
    ),
    "pmbxml.too_many_fields": N_("La notice n° {position} a plus de {limit} zones : elle n’est pas lue."),
    "pmbxml.twin_214": N_("La zone 214 répétait exactement la 210 : une seule est gardée."),
    "pmbxml.unknown_element": N_("L’élément « {value} » n’existe pas dans le XML de PMB : il n’a pas été repris."),
    "pmbxml.web_page": N_(
        "Ce fichier est une page web, pas un export de PMB : refaites l’export en étant connecté à PMB."
    ),
    # -- files --------------------------------------------------------------------------------
    "charset.declared": N_("Le texte a été lu dans le jeu de caractères que la notice annonce."),
    "charset.escapes": N_("Des caractères chinois ou japonais avaient perdu leurs codes : ils ont été rétablis."),
    "charset.guessed": N_(
        "La notice n’annonce pas son jeu de caractères : elle a été lue en {charset}, le plus vraisemblable. "
        "Vérifiez-la."
    ),
    "charset.iso5426": N_("La notice n’annonce pas son jeu de caractères : elle a été lue en ISO 5426."),
    "charset.lost": N_("Des caractères sont illisibles dans le fichier : ils apparaissent comme « � ». Vérifiez-les."),
    "charset.marc8": N_("La notice a été lue en MARC-8, le jeu de caractères de MARC 21 avant UTF-8."),
    "charset.marc8_faults": N_("Des codes de MARC-8 étaient abîmés : vérifiez les accents."),
    "charset.marks": N_("Des accents empilés sans fin sur une même lettre ont été retirés."),
    "charset.mixed": N_("Des signes isolés n’étaient pas en UTF-8 : ils ont été lus en Windows-1252."),
    "charset.twice": N_("Le texte avait été mis deux fois en UTF-8 (« Ã© ») : les accents ont été rétablis."),
    "charset.windows": N_("La notice n’est pas en UTF-8 : elle a été lue en Windows-1252. Vérifiez ses accents."),
    "charset.windows_file": N_(
        "Le fichier n’est pas en UTF-8 : il a été lu en Windows-1252. Vérifiez quelques accents."
    ),
    "charset.windows_signs": N_("Des signes de Windows (apostrophes, tirets…) ont été remis à leur place."),
    "file.archive": N_("Ce fichier est une archive ou un document de bureau, pas une liste de notices. Lus : {read}."),
    "file.cut_gzip": N_(
        "Le fichier compressé s’arrête avant la fin, à la notice n° {position}. Ce qui précède a été lu ; "
        "copiez-le de nouveau pour avoir la suite."
    ),
    "file.empty": N_("Le fichier est vide."),
    "file.export_only": N_(
        "Ce fichier est en {format}, que Travée écrit pour d’autres programmes et ne relit pas. "
        "Importez plutôt un export en UNIMARC des mêmes notices. Lus : {read}."
    ),
    "file.grows": N_(
        "Le fichier compressé devient démesuré une fois ouvert : la lecture s’arrête avant la notice n° {position}."
    ),
    "file.not_read_yet": N_("Ce fichier est au format {format}, que Travée ne lit pas encore. Lus : {read}."),
    "file.old_office": N_(
        "Ce fichier est un ancien document Office (.xls, .doc) ou un classeur protégé par un mot de passe : "
        "ouvrez-le, puis enregistrez-le en .xlsx sans mot de passe."
    ),
    "file.pdf": N_("Ce fichier est un PDF, pas une liste de notices. Lus : {read}."),
    "file.picture": N_("Ce fichier est une image, pas une liste de notices. Lus : {read}."),
    "file.jsonld": N_(
        "Ce fichier est en JSON-LD : il ne contient pas de notices que Travée lit. Si c’est un thésaurus, demandez-le "
        "en Turtle ou en RDF/XML, puis faites-le entrer par « travee thesaurus import »."
    ),
    "file.thesaurus": N_(
        "Ce fichier est en RDF : il ne contient pas de notices que Travée lit. Si c’est un thésaurus (SKOS), il entre "
        "par « travee thesaurus import »."
    ),
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
    "iso2709.bad_tag": N_(
        "Une zone a une étiquette illisible (« {tag} ») ; son texte n’a pas été repris : « {value} »."
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
    "iso2709.directory_mended": N_(
        "Le répertoire était décalé : les étiquettes ont été retrouvées d’après la longueur des zones."
    ),
    "iso2709.glued": N_("La notice n’avait pas de marque de fin : elle a été séparée de la suivante."),
    "iso2709.indicators": N_(
        "Zone {tag} : ses indicateurs étaient décalés d’une position, ils ont été remis en place."
    ),
    "iso2709.lengths": N_("Les longueurs annoncées étaient fausses : la notice a été lue d’après ses séparateurs."),
    "iso2709.no_directory": N_("La notice n° {position} n’a pas de répertoire : ce n’est pas de l’ISO 2709."),
    "iso2709.no_subfield": N_("Zone {tag} : son texte n’était dans aucune sous-zone, il est mis en $a."),
    "iso2709.no_terminator": N_("La dernière notice n’a pas de marque de fin ; elle est entière."),
    "iso2709.not_marc": N_("Ce fichier n’est pas de l’ISO 2709 : aucune zone ne s’y trouve."),
    "iso2709.nothing": N_("La notice n° {position} est vide : elle n’a aucune zone."),
    "iso2709.separator_inside": N_(
        "Des séparateurs se trouvaient au milieu d’une zone : les morceaux ont été recollés."
    ),
    "iso2709.stray_text": N_("Zone {tag} : le texte « {value} », hors de toute sous-zone, n’a pas été repris."),
    "iso2709.terminator_inside": N_("Une marque de fin se trouvait au milieu de la notice : elle a été retirée."),
    "iso2709.too_big": N_(
        "La notice n° {position} dépasse {limit} Mo : elle n’est pas lue, seul son début est gardé ici. "
        "Corrigez-la dans son logiciel, puis importez de nouveau le fichier."
    ),
    "iso2709.too_many_fields": N_("La notice n° {position} a plus de {limit} zones : elle n’est pas lue."),
    "leader.deduced": N_("La notice ne dit ni le type ni le niveau du document : ils ont été déduits de ses zones."),
    "record.authority": N_("C’est une notice d’autorité (auteur, sujet…), pas celle d’un document."),
    "record.entity": N_(
        "La notice n° {position} décrit une œuvre ou une expression (modèle LRM), pas un document : "
        "elle est gardée de côté."
    ),
    "record.no_heading": N_("La notice d’autorité n° {position} n’a pas de vedette lisible."),
    "record.no_number": N_(
        "La notice d’autorité n° {position} n’a pas de numéro : rien ne permettrait de la retrouver."
    ),
    "record.from_marc21": N_("La notice était en MARC 21 : elle a été mise en UNIMARC."),
    "record.holdings": N_(
        "La notice n° {position} décrit un exemplaire ou une collection à part de son document : elle est "
        "gardée de côté."
    ),
    "record.intermarc": N_(
        "La notice n° {position} est en INTERMARC, le format interne de la BnF : "
        "demandez-la en UNIMARC, la BnF la donne aussi."
    ),
    "record.marc21": N_(
        "La notice est en MARC 21, que Travée ne lisait pas quand elle est arrivée : réessayez, elle entrera."
    ),
    "record.other_document": N_(
        "Sous le même numéro, le fichier décrit un autre document : la notice n’a pas été changée, "
        "à décider dans « À revoir »."
    ),
    "record.hidden_since": N_(
        "PMB ne montre pas, ou plus, cette notice au public : elle n’est plus publiée ici non plus. "
        "À vous de décider, dans « À revoir »."
    ),
    "record.hidden_there": N_(
        "PMB ne montre pas cette notice au public. Elle reste publiée ici, parce qu’une autre source la décrit aussi "
        "ou qu’elle a été remise en ligne ici : à vous de décider."
    ),
    "record.same_number": N_(
        "Même numéro ({value}) que la ligne {line} : s’il s’agit du même document, il a maintenant deux notices."
    ),
    "record.says_less": N_(
        "Le fichier en dit moins que la notice, peut-être parce qu’il est dans un format plus pauvre : "
        "rien n’a été retiré à la notice."
    ),
    "record.number_repeated": N_(
        "Le n° {number} a déjà servi pour une autre notice de ce fichier : celle-ci n’est pas entrée."
    ),
    "record.number_too_long": N_(
        "Le n° de la notice (« {number}… ») dépasse {limit} signes : il est sans doute abîmé, elle n’est pas entrée."
    ),
    # -- spreadsheets (CSV, XLSX) -------------------------------------------------------------
    "sheet.column": N_("Colonne « {heading} » : {meaning}."),
    "sheet.column_left": N_("Colonne « {heading} » : laissée de côté, comme demandé."),
    "sheet.column_noted": N_("Colonne « {heading} » : gardée en note, avec son titre."),
    "sheet.controls": N_("Des caractères de contrôle, invisibles, ont été retirés."),
    "sheet.cut": N_("Le fichier s’arrête au milieu de la ligne {row}. Ce qui précède a été lu ; refaites l’export."),
    "sheet.damaged": N_(
        "Ce classeur est abîmé : il ne s’ouvre pas ({detail}). Enregistrez-le de nouveau depuis votre tableur."
    ),
    "sheet.doctype": N_("Ce classeur annonce des définitions (DOCTYPE) qu’aucun tableur n’écrit : il n’est pas lu."),
    "sheet.error": N_("Ligne {row} : une cellule contient l’erreur {value} du tableur ; elle est laissée vide."),
    "sheet.formula": N_("Ligne {row} : le fichier ne contient pas le résultat de la formule « {formula} »."),
    "sheet.grows": N_("Ce classeur devient démesuré une fois ouvert (plus de {limit} Mo) : il n’est pas lu."),
    "sheet.kind_unknown": N_("Le type de document « {value} » n’est pas connu ; il est gardé, à relier à un type."),
    "sheet.language_unknown": N_("La langue « {value} » n’est pas connue ; elle est gardée en note."),
    "sheet.lines_above": N_("Au-dessus des titres de colonnes, ceci n’a pas été repris : {lines}."),
    "sheet.locked": N_(
        "Ce classeur est protégé par un mot de passe : ouvrez-le, puis enregistrez-le sans mot de passe."
    ),
    "sheet.long_row": N_("La ligne a plus de cellules que le tableau n’a de colonnes ; gardé en note : {more}."),
    "sheet.no_headings": N_(
        "La première ligne doit donner les titres des colonnes (Titre, Auteur, Année…). On y lit : {found}."
    ),
    "sheet.no_row": N_("Ce tableau n’a que ses titres de colonnes : {headings}."),
    "sheet.no_title": N_("Aucune colonne ne semble contenir le titre des documents. Colonnes trouvées : {found}."),
    "sheet.not_workbook": N_("Ce fichier n’est pas un classeur de tableur. On y trouve : {found}."),
    "sheet.other_sheets": N_("Seule la feuille « {sheet} » a été lue. Autres feuilles : {others}."),
    "sheet.read_as": N_("Tableau lu en {charset}, cellules séparées par « {separator} »."),
    "sheet.rounded": N_(
        "Colonne « {heading} » : le tableur a abrégé un nombre en « {value} », ses derniers chiffres sont perdus."
    ),
    "sheet.signs_lost": N_("Ligne {row} : des signes illisibles ont été remplacés par « � »."),
    "sheet.stray_quote": N_("Ligne {row} : un guillemet n’est jamais refermé ; il a été lu comme un signe."),
    "sheet.too_big": N_(
        "La ligne {row} dépasse ce qu’une notice peut tenir ({limit} signes par cellule, {columns} colonnes) : "
        "seul son début est gardé ici. Corrigez-la dans le tableau, puis importez de nouveau le fichier."
    ),
    "sheet.too_many_cells": N_("La feuille a plus de {limit} cellules : la lecture s’arrête avant la ligne {row}."),
    "sheet.too_many_rows": N_(
        "Le tableau a plus de {limit} lignes : la lecture s’arrête avant la ligne {row}. Coupez-le en "
        "plusieurs fichiers."
    ),
    "sheet.too_wide": N_("Le tableau a {columns} colonnes : Travée en lit {limit} au plus."),
    # -- MARC in XML --------------------------------------------------------------------------
    "marcxml.bad_tag": N_("« {tag} » n’est pas une étiquette de zone : « {value} » n’a pas été repris."),
    "marcxml.charset": N_("Le fichier annonce un jeu de caractères que Travée ne lit pas (« {value} »)."),
    "marcxml.cut": N_(
        "Le fichier s’arrête au milieu de la notice n° {position}, ou juste avant elle. Ce qui précède a été lu ; "
        "refaites l’export pour avoir la suite."
    ),
    "marcxml.diagnostic": N_("Le serveur n’a pas donné la notice n° {position} : « {value} »."),
    "marcxml.doctype": N_(
        "Ce fichier annonce des définitions (DOCTYPE), inutiles à des notices : par prudence, il n’est pas lu."
    ),
    "marcxml.indicators": N_("Zone {tag} : il manquait un indicateur ; c’est un blanc."),
    "marcxml.leader": N_("Le label n’avait pas ses 24 signes : les codes qu’il dit ont été remis à leur place."),
    "marcxml.malformed": N_(
        "Le XML de la notice n° {position} est abîmé ({detail}) : elle n’est pas lue, les autres le sont."
    ),
    "marcxml.nested": N_("Zone {tag} : une autre zone se trouvait dedans, elle en est sortie."),
    "marcxml.no_code": N_("Zone {tag} : une sous-zone n’avait pas de code, elle est mise en $a."),
    "marcxml.no_fields": N_("La notice n° {position} n’a aucune zone."),
    "marcxml.no_leader": N_("La notice n’a pas de label : son type et son niveau ne sont pas connus."),
    "marcxml.no_record": N_("Ce XML ne contient aucune notice MARC (il commence par « {root} »)."),
    "marcxml.no_tag": N_("Une zone n’avait pas d’étiquette : « {value} » n’a pas été repris."),
    "marcxml.short_tag": N_("L’étiquette « {value} » a été lue {tag}."),
    "marcxml.signs": N_("Des signes réservés (&, <) ou des noms d’accents du web ont été remis comme du texte."),
    "marcxml.taken_as_subfield": N_("Zone {tag} : l’élément « {value} » a été pris pour une sous-zone."),
    "marcxml.too_big": N_(
        "La notice n° {position} dépasse {limit} Mo : elle n’est pas lue, seul son début est gardé ici. "
        "Corrigez-la dans son logiciel, puis importez de nouveau le fichier."
    ),
    "marcxml.too_many_faults": N_(
        "Plus de {limit} notices de ce fichier sont abîmées : la lecture s’arrête à la notice n° {position}."
    ),
    "marcxml.too_many_fields": N_("La notice n° {position} a plus de {limit} zones : elle n’est pas lue."),
    "marcxml.unclosed": N_(
        "La notice n° {position} n’a pas de fin : une autre commence en son milieu. "
        "Elle n’est pas lue, les autres le sont."
    ),
    "marcxml.unknown_element": N_("L’élément « {element} » n’existe pas en MARCXML : « {value} » n’a pas été repris."),
    # -- the rules of a source ----------------------------------------------------------------
    "rules.no_table": N_("Ligne {line} : « {key} » est le nom d’un groupe de champs ; écrivez-le entre crochets."),
    "rules.not_toml": N_("Ligne {line} : ce n’est pas écrit comme un tableau de règles ({detail})."),
    "rules.too_long": N_("Ligne {line} : ce texte est trop long pour des règles (plus de {limit} signes)."),
    "rules.unknown_answer": N_("Ligne {line} : « {value} » n’est pas une réponse ; on peut écrire {known}."),
    "rules.unknown_group": N_("Ligne {line} : « {key} » n’est pas un groupe de champs ; on peut écrire {known}."),
    "rules.unknown_kind": N_("Ligne {line} : « {key} » n’est pas une sorte de changement ; on peut écrire {known}."),
    # -- what a source allows -----------------------------------------------------------------
    "terms.licence_too_long": N_("Ligne {line} : ce nom de licence est trop long (plus de {limit} signes)."),
    "terms.no_list": N_('Ligne {line} : écrivez les groupes de champs entre crochets, ex. ["abstract"].'),
    "terms.not_text": N_("Ligne {line} : « {key} » est un texte ; écrivez-le entre guillemets droits."),
    "terms.not_toml": N_("Ligne {line} : ce n’est pas écrit comme il faut ({detail})."),
    "terms.nothing_withheld": N_("Dites quels champs ne peuvent pas être redonnés, ou choisissez « oui »."),
    "terms.withheld_too": N_(
        "Des champs sont dits à garder : choisissez « oui, sauf certains champs », ou n’en gardez aucun."
    ),
    "terms.unknown_key": N_("Ligne {line} : « {key} » n’est pas un nom connu ; on peut écrire {known}."),
    "terms.unknown_resend": N_("Ligne {line} : « {value} » n’est pas une réponse ; on peut écrire {known}."),
    # -- the item profile of a source ---------------------------------------------------------
    "profile.bad_codes": N_(
        "Ligne {line} : « {value} » n’est pas un code de sous-zone. Écrivez une lettre ou un chiffre entre guillemets "
        "(« f »), plusieurs à la suite pour les essayer dans l’ordre (« cd »)."
    ),
    "profile.bad_joined": N_("Ligne {line} : « joined » est une liste de noms entre crochets, parmi : {known}."),
    "profile.bad_state_words": N_("Ligne {line} : écrivez entre guillemets l’état que dit la sous-zone « {key} »."),
    "profile.bad_states": N_("Ligne {line} : « states » est un tableau, annoncé par une ligne [states]."),
    "profile.bad_tag": N_(
        "Ligne {line} : « {value} » n’est pas une étiquette. Écrivez trois chiffres entre guillemets, ex. « 995 »."
    ),
    "profile.habit_alone": N_("Ligne {line} : « {key} » ne va pas avec « habit », qui se suffit à lui-même."),
    "profile.no_field": N_('Il manque la ligne field, l’étiquette de la zone des exemplaires, ex. field = "995".'),
    "profile.bad_name": N_("Ligne {line} : elle doit commencer par un nom sans accent ni espace, ex. call_number."),
    "profile.more_after": N_(
        "Ligne {line} : rien ne doit suivre la valeur sur la même ligne, sauf une remarque après le signe #."
    ),
    "profile.no_equals": N_('Ligne {line} : il manque le signe = après le nom. Chaque ligne s’écrit nom = "valeur".'),
    "profile.no_quotes": N_('Ligne {line} : écrivez la valeur entre guillemets droits, ex. barcode = "f".'),
    "profile.not_toml": N_('Ligne {line} : cette ligne n’est pas comprise. Chaque ligne s’écrit nom = "valeur".'),
    "profile.open_bracket": N_("Ligne {line} : il manque un crochet fermant ( ] )."),
    "profile.open_quote": N_("Ligne {line} : un guillemet ouvert n’est pas refermé sur la même ligne."),
    "profile.said_twice": N_("Ligne {line} : ce nom est déjà donné plus haut. Gardez une seule des deux lignes."),
    "profile.says_nothing": N_("Dites au moins où est le code-barres (barcode) ou la cote (call_number)."),
    "profile.too_long": N_("Ce profil dépasse {limit} signes."),
    "profile.unknown_habit": N_("Ligne {line} : « {value} » n’est pas une habitude connue. Connues : {known}."),
    "profile.unknown_key": N_("Ligne {line} : « {key} » n’est pas un nom connu. Connus : {known}."),
    # -- a PMB base (SQL dump) ----------------------------------------------------------------
    "pmbsql.controls": N_("Textes débarrassés de caractères de contrôle, invisibles : {n}."),
    "pmbsql.cut": N_(
        "La sauvegarde s’arrête au milieu de la table « {table} ». Une base à moitié copiée n’est pas reprise : "
        "il y manquerait des auteurs ou des exemplaires. Refaites la sauvegarde."
    ),
    "pmbsql.cut_gzip": N_(
        "Le fichier compressé s’arrête avant la fin (dernière table vue : « {table} »). Rien n’a été repris ; "
        "copiez-le de nouveau."
    ),
    "pmbsql.dangling": N_(
        "{where} : toutes les lignes ont été lues, mais {n} citent un n° que la table « {table} » n’a pas. "
        "Elles ne menaient déjà à rien dans cette sauvegarde."
    ),
    "pmbsql.file_data": N_(
        "Documents numériques rangés dans PMB : {n}. Leur notice, leur nom et leur adresse sont repris, pas le "
        "contenu des fichiers."
    ),
    "pmbsql.hidden": N_("Notices que PMB ne montre pas au public : {n}. Elles entrent « à valider », jamais publiées."),
    "pmbsql.hidden_copies": N_(
        "Exemplaires que PMB ne montre pas au public, par leur état, leur emplacement, leur section ou le statut de "
        "leur notice : {n}. Ils sont repris, visibles au bureau seulement."
    ),
    "pmbsql.hidden_files": N_(
        "Documents numériques que PMB ne montre pas au public, ou ne lui laisse pas lire : {n}. Ils sont repris, "
        "visibles au bureau seulement."
    ),
    "pmbsql.hidden_holdings": N_(
        "États de collection que PMB ne montre pas au public : {n}. Ils sont repris, visibles au bureau seulement."
    ),
    "pmbsql.homeless_articles": N_("Articles qui ne sont rattachés à aucun numéro de revue : {n}."),
    "pmbsql.homeless_copies": N_("Exemplaires sans notice ni numéro de revue, pas repris : {n}."),
    "pmbsql.koha": N_(
        "Ce fichier est une base Koha ({tables}…), pas une base PMB. De Koha, exportez les notices en UNIMARC."
    ),
    "pmbsql.left_derived": N_("Table « {table} » ({n}) : PMB la calcule à partir du reste ; inutile ici."),
    "pmbsql.left_descriptions": N_("Table « {table} » ({n}) : Travée ne sait pas encore la reprendre."),
    "pmbsql.left_management": N_("Table « {table} » ({n}) : commandes ou abonnements ; pas repris."),
    "pmbsql.left_personal": N_("Table « {table} » ({n}) : des personnes (lecteurs, prêts, comptes) ; jamais reprise."),
    "pmbsql.left_selections": N_(
        "Table « {table} » ({n}) : paniers, étagères ou diffusion ; à refaire avec les sélections de Travée."
    ),
    "pmbsql.left_settings": N_("Table « {table} » ({n}) : réglages de PMB ; pas repris."),
    "pmbsql.left_unknown": N_("Table « {table} » ({n}) : Travée ne la connaît pas ; pas reprise."),
    "pmbsql.location": N_(
        "Emplacement « {location} » : {card}. Cette adresse n’a pas de place dans la base, notez-la."
    ),
    "pmbsql.lost_references": N_("{thesaurus} : renvois vers un terme absent, qui est gardé tel quel : {n}."),
    "pmbsql.malformed": N_(
        "La sauvegarde n’est plus lisible à partir du signe {offset} : ce n’est pas du SQL tel que MySQL l’écrit. "
        "Rien n’a été repris."
    ),
    "pmbsql.many_parts": N_(
        "Revues de plus de 5 000 articles : {n}. Leur notice ne les énumère pas, chaque article dit sa revue."
    ),
    "pmbsql.no_columns": N_(
        "La sauvegarde ne dit pas l’ordre des colonnes de « {table} ». Refaites-la avec la structure des tables."
    ),
    "pmbsql.no_end": N_(
        "La sauvegarde n’a pas sa dernière ligne (« Dump completed ») : elle a pu être interrompue entre deux tables. "
        "Comparez les nombres avec ceux de PMB."
    ),
    "pmbsql.no_rows": N_("Table « {table} » : absente ou vide dans cette sauvegarde."),
    "pmbsql.not_pmb": N_("Ce fichier SQL n’est pas une base PMB. On y trouve : {tables}."),
    "pmbsql.not_understood": N_("Instructions INSERT d’une autre forme que celle attendue, pas lues : {n}."),
    "pmbsql.orphan_terms": N_("{thesaurus} : termes sans terme plus large (« orphelins »), mis au sommet : {n}."),
    "pmbsql.queries": N_(
        "Champs personnalisés dont les mots viennent d’une requête de PMB : {n}. Leur valeur brute est gardée."
    ),
    "pmbsql.shared_record": N_(
        "Numéros de revue qui ont la même notice qu’un autre numéro, repris à part avec leurs exemplaires : {n}."
    ),
    "pmbsql.statements": N_(
        "Concepts : indications propres à PMB (numéros, dates, auteur de la fiche), pas reprises : {n}."
    ),
    "pmbsql.taken": N_("Table « {table} » : reprise, {taken} sur {n}."),
    "pmbsql.twice": N_("Textes mis deux fois en UTF-8 (« Ã© »), dont les accents sont rétablis : {n}."),
    "pmbsql.unknown_column": N_("Colonne « {column} » ({n}) : Travée ne la connaît pas ; pas reprise."),
    "pmbsql.unused": N_("Table « {table} » : cités par aucune notice, pas repris : {n}."),
    "pmbsql.waiting_terms": N_("{thesaurus} : termes non classés (candidats), mis au sommet, à ranger : {n}."),
    "pmbsql.windows": N_("Textes en Windows-1252 (« latin1 »), lus comme tels : {n}."),
    # -- MARC 21 ------------------------------------------------------------------------------
    "marc21.kept_in": N_("Zone {tag} du MARC 21 : sans équivalent en UNIMARC, elle est gardée entière en 886."),
    "marc21.kept_out": N_("Zone {tag} : sans équivalent en MARC 21, elle est gardée entière en 886."),
    # -- citations (Dublin Core, MODS, RIS, BibTeX, CSL-JSON, EndNote) --------------------------
    "bibtex.field_repeated": N_("Le champ « {field} » est dit deux fois ; le second (« {value} ») est gardé à part."),
    "bibtex.malformed": N_("L’entrée n° {position} (« {key} ») est mal écrite, ligne {line} : {detail}."),
    "bibtex.no_comma": N_("Une virgule manquait après le champ « {field} »."),
    "bibtex.no_key": N_("L’entrée n’a pas de clé."),
    "bibtex.no_parent": N_("L’entrée renvoie à « {key} », qui n’est pas dans le fichier."),
    "bibtex.none": N_("Ce fichier ne contient aucune entrée BibTeX."),
    "bibtex.too_long": N_(
        "L’entrée n° {position} (« {key} ») devient démesurée (plus de {limit} signes) : elle n’est pas lue."
    ),
    "bibtex.unclosed": N_("L’entrée n° {position} (« {key} ») n’est pas fermée : il lui manque une accolade."),
    "bibtex.undefined": N_("Le nom « {value} » n’est pas défini dans le fichier : il est repris tel quel."),
    "citation.key_repeated": N_("La clé « {key} » sert déjà dans ce fichier : la notice est entrée sans elle."),
    "citation.title_borrowed": N_("La référence n’a pas de titre à elle : le seul titre qu’elle donne l’a remplacé."),
    "citation.too_big": N_(
        "La référence n° {position} dépasse {limit} Mo : elle n’est pas lue, seul son début est gardé ici. "
        "Corrigez-la dans son logiciel, puis importez de nouveau le fichier."
    ),
    "citation.too_many_fields": N_("La référence n° {position} a plus de {limit} éléments : elle n’est pas lue."),
    "csljson.constant": N_("La référence n° {position} contient une valeur (NaN, Infinity) qui n’est pas du JSON."),
    "csljson.cut": N_(
        "Le fichier s’arrête au milieu de la référence n° {position}. Ce qui précède a été lu ; "
        "refaites l’export pour avoir la suite."
    ),
    "csljson.deep": N_("La référence n° {position} est emboîtée sur plus de {limit} niveaux : elle n’est pas lue."),
    "csljson.malformed": N_("Le JSON de la référence n° {position} est mal écrit."),
    "csljson.name_repeated": N_("La référence n° {position} dit deux fois le même champ : on ne sait lequel croire."),
    "csljson.no_reference": N_("L’élément n° {position} n’est pas une référence (une note, une pièce jointe)."),
    "csljson.none": N_("Ce fichier JSON ne contient aucune référence."),
    "csljson.surrogate": N_("La référence n° {position} contient un caractère coupé en deux."),
    "dc.deleted": N_("La notice {identifier} est annoncée comme supprimée par le serveur d’où vient ce fichier."),
    "ris.no_end": N_("La référence n’avait pas de ligne de fin (ER) ; elle s’arrête où la suivante commence."),
    "ris.no_tag": N_("Du texte à la fin du fichier n’est dans aucune référence : « {value} »."),
    "ris.no_type": N_("La référence n’avait pas de type (TY) : vérifiez-le."),
    "ris.none": N_("Ce fichier ne contient aucune référence RIS."),
    "ris.text_around": N_("Du texte se trouvait avant la référence (« {value} ») : il n’a pas été repris."),
    "xml.cut": N_(
        "Le fichier s’arrête au milieu de la référence n° {position}. Ce qui précède a été lu ; "
        "refaites l’export pour avoir la suite."
    ),
    "xml.doctype": N_("Ce fichier définit des entités (DOCTYPE) : par prudence, il n’est pas lu."),
    "xml.malformed": N_(
        "Le XML est abîmé dans la référence n° {position}, ligne {line} ({detail}). Ce qui précède a été lu."
    ),
    "xml.no_reference": N_("Ce XML ne contient aucune référence (il commence par « {root} »)."),
    "xml.not_taken": N_("Un texte hors de tout élément connu ({element}) n’a pas été repris : « {value} »."),
    "xml.not_xml": N_("Ce fichier n’est pas du XML."),
    # -- asking a partner (OAI-PMH) -----------------------------------------------------------
    "oai.bad_url": N_("« {url} » n’est pas l’adresse d’un serveur : elle doit commencer par http:// ou https://."),
    "oai.busy": N_(
        "Le serveur {host} est occupé (HTTP {status}) et l’est resté après plusieurs essais. "
        "Ce qui était reçu est gardé."
    ),
    "oai.certificate": N_(
        "Le certificat de {host} n’est pas valable : la connexion n’est pas sûre, rien n’a été demandé."
    ),
    "oai.come_back": N_("Le serveur {host} demande de revenir dans {minutes} minutes : la moisson s’arrête là."),
    "oai.cut_answer": N_("La réponse de {host} s’est interrompue en route, plusieurs fois de suite."),
    "oai.cut_page": N_(
        "La page {page} s’arrête au milieu : le serveur n’a pas tout envoyé. Les pages précédentes sont gardées."
    ),
    "oai.doctype": N_(
        "La page {page} annonce des définitions (DOCTYPE) qu’OAI-PMH ne connaît pas : par prudence, elle n’est pas lue."
    ),
    "oai.down": N_("Le serveur {host} ne répond pas. Rien n’est perdu."),
    "oai.empty": N_(
        "Le serveur {host} répond, mais par une page vide. Un PMB fait cela quand le numéro de source "
        "(source_id) n’existe pas : vérifiez l’adresse."
    ),
    "oai.encoding": N_(
        "La page {page} est écrite dans un codage que Travée ne lit pas (« {encoding} ») : demandez de l’UTF-8 au "
        "partenaire."
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
    "oai.too_many": N_(
        "Une page de {host} contient bien plus d’éléments XML qu’une page de notices : elle n’est pas lue. Demandez au "
        "partenaire des pages plus petites."
    ),
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
    # -- two notices, or a notice and a record ------------------------------------------------
    "merge.absorbed": N_(
        "« {title} » (/d/{address}) a été réunie entre-temps avec « {other} » (/d/{there}) : comparez avec celle-là."
    ),
    "merge.already_merged": N_("Ces deux notices n’en font déjà plus qu’une : « {other} » (/d/{there})."),
    "merge.not_joined": N_(
        "« {title} » : la notice de cette source n’y est plus reliée, quelqu’un les a déjà séparées."
    ),
    "merge.not_living": N_("« {title} » (/d/{address}) a été retirée entre-temps : il n’y a plus rien à décider."),
    "merge.not_merged": N_("Ces notices sont déjà séparées."),
    "merge.one_voice": N_("Tout ce que dit « {title} » vient de cette source : il n’y aurait rien à séparer."),
    "merge.same_notice": N_("C’est une seule et même notice : « {title} » (/d/{address})."),
    "merge.survivor_merged": N_(
        "« {title} » (/d/{address}) a été réunie avec une autre depuis : séparez d’abord celles-là."
    ),
    # -- records of a partner -----------------------------------------------------------------
    "oai.missed": N_(
        "La liste des identifiants annonce {count} notices qui ne sont pas venues et n’ont pas pu être redemandées une "
        "à une. La prochaine moisson redemandera tout."
    ),
    "oai.no_such_record": N_("Le serveur dit ne pas avoir cette notice."),
    "oai.unreconciled": N_(
        "Des notices sont venues deux fois : d’autres ont pu se perdre, et la liste des identifiants n’a pas permis de "
        "le vérifier. La prochaine moisson redemandera tout."
    ),
    "harvest.empty": N_(
        "La notice {identifier} arrive vide : elle est sans doute en cours de suppression chez le partenaire. "
        "Elle sera relue à la prochaine moisson."
    ),
    "harvest.failed": N_("Une page reçue a mis Travée en défaut ({error}). Elle est gardée."),
    "harvest.flood": N_(
        "{count} notices sur {known} ne sont plus chez le partenaire. C’est beaucoup : rien n’en est retenu avant que "
        "quelqu’un ait dit s’il faut les croire."
    ),
    "harvest.ghost": N_(
        "La notice {identifier} arrive sans date : elle est sans doute en cours de suppression chez le partenaire. "
        "Elle sera relue à la prochaine moisson."
    ),
    "harvest.no_identifier": N_(
        "La notice n° {number} de la page {page} n’a pas d’identifiant : elle ne peut pas être suivie."
    ),
    "harvest.no_sweep": N_(
        "Le serveur ne donne pas la liste de ses identifiants : les notices disparues ne sont pas comptées."
    ),
    "harvest.out_of_time": N_(
        "La moisson a pris tout le temps qui lui est donné ({hours} h) et s’est arrêtée là. Ce qui est reçu est "
        "gardé ; la suivante reprendra au même endroit."
    ),
    "harvest.other_format": N_("La notice {identifier} arrive dans un format que Travée ne lit pas (« {root} »)."),
    "harvest.erased": N_("Effacées d’ici pour toujours, non reprises : {count}."),
    "harvest.other_sets": N_("D’autres ensembles ne sont pas venus en entier : {sets}."),
    "harvest.too_big": N_("La notice {identifier} pèse {size} Mo : elle n’est pas lue."),
    "harvest.two_contents": N_(
        "Le serveur donne deux contenus différents pour la notice {identifier}, à la même date : on ne sait pas lequel "
        "est le bon. Les deux sont gardés ; signalez-le au partenaire."
    ),
    "harvest.unconfirmed": N_("Annoncées supprimées, à confirmer par la prochaine moisson : {count}."),
    "harvest.unlisted": N_(
        "La notice {identifier} n’est plus dans la liste du partenaire, qui la donne encore quand on la demande : "
        "elle est tenue pour vivante."
    ),
    # -- a thesaurus --------------------------------------------------------------------------
    "skos.circle": N_(
        "Ces concepts tournent en rond, chacun sous le suivant : {circle}. "
        "Le lien de « {concept} » vers « {broader} » n’a pas été repris."
    ),
    "skos.cycle": N_("« {concept} » et « {broader} » sont chacun plus large que l’autre : ce lien n’a pas été repris."),
    "skos.deprecated": N_("« {concept} » est abandonné dans ce thésaurus : il n’est pas repris."),
    "skos.entities": N_(
        "Le fichier {file} appelle d’autres fichiers ou des entités en chaîne : par prudence, il n’est pas lu."
    ),
    "skos.malformed": N_("Le fichier {file} est abîmé vers la ligne {line} : il n’est pas lu. Refaites-en l’export."),
    "skos.no_concept": N_("Le fichier {file} ne contient aucun concept SKOS."),
    "skos.no_label": N_("{concept} n’a pas de libellé : il n’est pas repris."),
    "skos.not_rdf": N_(
        "Le fichier {file} n’est pas un thésaurus en SKOS. Lus : SKOS en Turtle (.ttl) ou en RDF/XML (.rdf)."
    ),
    "skos.other_format": N_(
        "Le fichier {file} est en {format} : ce n’est pas un thésaurus que Travée sait lire. "
        "Lus : SKOS en Turtle (.ttl) ou en RDF/XML (.rdf)."
    ),
    "skos.own_broader": N_("« {concept} » est son propre terme plus large : ce lien n’a pas été repris."),
    "skos.spoilt": N_("Le fichier {file} est abîmé : il n’est pas lu. Refaites-en l’export, ou copiez-le de nouveau."),
    "skos.too_big": N_("Le fichier {file} dépasse {limit} Mo : il n’est pas lu."),
    "skos.two_labels": N_(
        "« {concept} » a deux libellés préférés en « {language} » : « {label} » devient un synonyme."
    ),
}


def _shortened(value: object) -> object:
    """What a library says of a fault may quote a whole page."""
    return value[:LONGEST_VALUE] + "…" if isinstance(value, str) and len(value) > LONGEST_VALUE else value


# What libxml2 says of a spoilt XML, in English, by how it begins; what another version puts otherwise stays as it is.
XML_FAULTS: Mapping[str, str] = {
    "Invalid bytes in character encoding": N_("des octets ne sont pas du codage annoncé"),
    "Input is not proper UTF-8": N_("des octets ne sont pas de l’UTF-8"),
    "Opening and ending tag mismatch": N_("une balise est mal fermée"),
    "Premature end of data": N_("le texte s’arrête avant la fin"),
    "EndTag: '</' not found": N_("le texte s’arrête avant la fin"),
    "Extra content at the end of the document": N_("du texte suit la fin"),
    "PCDATA invalid Char value": N_("un caractère est interdit en XML"),
    "invalid character": N_("un caractère est interdit en XML"),
    "xmlParseEntityRef: no name": N_("un « & » est seul"),
    "xmlParseCharRef": N_("un caractère est mal écrit"),
    "EntityRef: expecting ';'": N_("un « & » est seul"),
    "Entity '": N_("une entité n’est pas définie"),
    "StartTag: invalid element name": N_("un « < » est seul"),
    "Start tag expected": N_("il ne commence pas par une balise"),
    "Couldn't find end of Start Tag": N_("une balise n’est pas fermée"),
    "AttValue": N_("un attribut est mal écrit"),
    "attributes construct error": N_("un attribut est mal écrit"),
    "Specification mandates value for attribute": N_("un attribut n’a pas de valeur"),
    "Namespace prefix": N_("un préfixe n’est pas déclaré"),
}


def _said(name: str, value: object) -> object:
    """In our words where we have them."""
    if name == "detail" and isinstance(value, str):
        value = next((_(words) for start, words in XML_FAULTS.items() if value.startswith(start)), value)
    return _shortened(value)


def sentence(code: str, params: Mapping[str, object] | None = None) -> str:
    """The sentence of a code, in the current language; an unknown code shows itself rather than nothing."""
    template = _(SENTENCES[code]) if code in SENTENCES else code
    try:
        return template.format(**{name: _said(name, value) for name, value in (params or {}).items()})
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


class Stopped(Exception):
    """Work that cannot go on: a code and parameters, made a sentence in the language of whoever reads."""

    def __init__(self, code: str, params: Mapping[str, str] | None = None) -> None:
        self.code = code
        self.params = dict(params or {})
        super().__init__(code)

    def __str__(self) -> str:
        return sentence(self.code, self.params)
