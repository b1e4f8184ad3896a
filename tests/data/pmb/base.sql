-- MySQL dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: centre_invente
-- ------------------------------------------------------
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET TIME_ZONE='+00:00' */;

DROP TABLE IF EXISTS `analysis`;
CREATE TABLE `analysis` (
  `analysis_bulletin` int(8) unsigned NOT NULL DEFAULT 0,
  `analysis_notice` int(8) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`analysis_bulletin`,`analysis_notice`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
LOCK TABLES `analysis` WRITE;
/*!40000 ALTER TABLE `analysis` DISABLE KEYS */;
INSERT INTO `analysis` VALUES (20,3),(21,5);
/*!40000 ALTER TABLE `analysis` ENABLE KEYS */;
UNLOCK TABLES;

INSERT INTO `arch_emplacement` (`archempla_id`, `archempla_libelle`) VALUES (1,'Réserve, épi 4');
INSERT INTO `arch_type` (`archtype_id`, `archtype_libelle`) VALUES (1,'Papier');
INSERT INTO `arch_statut` (`archstatut_id`, `archstatut_gestion_libelle`, `archstatut_opac_libelle`) VALUES (1,'Vivant','Consultable');

CREATE TABLE `authors` (
  `author_id` mediumint(8) unsigned NOT NULL AUTO_INCREMENT,
  `author_type` enum('70','71','72') NOT NULL DEFAULT '70',
  `author_name` varchar(255) NOT NULL DEFAULT '' COMMENT 'nom, d''usage; (ou non)',
  `author_rejete` varchar(255) NOT NULL DEFAULT '',
  `author_date` varchar(255) NOT NULL DEFAULT '',
  `author_see` mediumint(8) unsigned NOT NULL DEFAULT 0,
  `author_web` varchar(255) NOT NULL DEFAULT '',
  `index_author` text DEFAULT NULL,
  `author_comment` text DEFAULT NULL,
  `author_lieu` varchar(255) NOT NULL DEFAULT '',
  `author_ville` varchar(255) NOT NULL DEFAULT '',
  `author_pays` varchar(255) NOT NULL DEFAULT '',
  `author_subdivision` varchar(255) NOT NULL DEFAULT '',
  `author_numero` varchar(50) NOT NULL DEFAULT '',
  `author_isni` varchar(255) NOT NULL DEFAULT '',
  PRIMARY KEY (`author_id`),
  KEY `author_see` (`author_see`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
INSERT INTO `authors` VALUES (1,'70','Vasseur','Odile','1961-....',0,'https://odile.example',' vasseur odile ',NULL,'','','','','','0000000121032683'),(2,'71','Observatoire des quartiers inventés','','',0,'',' observatoire ','Association','','Lille','France','Pôle enquêtes','',''),(3,'72','Rencontres du relogement','','2019',0,'',' rencontres ',NULL,'Roubaix','','','','4e',''),(4,'70','Vasseur-Petit','O.','',1,'',' vasseur petit o ',NULL,'','','','','','');

INSERT INTO `bannettes` (`id_bannette`, `nom_bannette`) VALUES (1,'Nouveautés');

CREATE TABLE `bulletins` (
  `bulletin_id` int(8) unsigned NOT NULL AUTO_INCREMENT,
  `bulletin_numero` varchar(255) NOT NULL DEFAULT '',
  `bulletin_notice` int(8) NOT NULL DEFAULT 0,
  `mention_date` varchar(50) NOT NULL DEFAULT '',
  `date_date` date NOT NULL DEFAULT '0000-00-00',
  `bulletin_titre` text DEFAULT NULL,
  `index_titre` text DEFAULT NULL,
  `bulletin_cb` varchar(30) DEFAULT NULL,
  `num_notice` int(10) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`bulletin_id`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
INSERT INTO `bulletins` VALUES (20,'211',2,'janvier 2024','2024-01-01','','','',0),(21,'212',2,'','2024-02-01','Vivre dehors',' vivre dehors ','',4),(22,'213',2,'printemps 2024','2024-03-20','','','',0);

INSERT INTO `caddie` (`idcaddie`, `name`) VALUES (1,'À désherber'),(2,'Prêts');

CREATE TABLE `categories` (
  `num_thesaurus` int(3) unsigned NOT NULL DEFAULT 1,
  `num_noeud` int(9) unsigned NOT NULL DEFAULT 0,
  `langue` varchar(5) NOT NULL DEFAULT 'fr_FR',
  `libelle_categorie` text NOT NULL,
  `note_application` text NOT NULL,
  `comment_public` text NOT NULL,
  `comment_voir` text NOT NULL,
  `index_categorie` text NOT NULL,
  PRIMARY KEY (`num_noeud`,`langue`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
INSERT INTO `categories` VALUES (1,10,'fr_FR','Habitat','','','',' habitat '),(1,11,'fr_FR','Logement social','Logement à loyer réglementé','','',' logement social '),(1,12,'fr_FR','HLM','','','',' hlm '),(1,13,'fr_FR','Participation des habitants','','','',''),(1,13,'en_UK','Resident participation','','','',''),(1,14,'fr_FR','Tiers-lieu','','','',''),(1,15,'fr_FR','Balcon','','','',''),(2,51,'fr_FR','Roubaix','','','','');

INSERT INTO `collections` (`collection_id`, `collection_name`, `collection_parent`, `collection_issn`, `index_coll`) VALUES (1,'Carnets de ville',1,'1234-5679',' carnets ville ');
INSERT INTO `sub_collections` (`sub_coll_id`, `sub_coll_name`, `sub_coll_parent`, `sub_coll_issn`) VALUES (1,'Paroles',1,'');

INSERT INTO `collections_state` (`collstate_id`, `id_serial`, `location_id`, `state_collections`, `collstate_emplacement`, `collstate_type`, `collstate_origine`, `collstate_cote`, `collstate_archive`, `collstate_statut`, `collstate_lacune`, `collstate_note`) VALUES (1,2,1,'1998 - ... ; n° 1 ->',1,1,'Don','PER GAZ','',1,'n° 12','Reliée jusqu\'en 2010');

INSERT INTO `docs_codestat` (`idcode`, `codestat_libelle`, `statisdoc_codage_import`, `statisdoc_owner`) VALUES (1,'Adultes','a',0);
INSERT INTO `docs_location` (`idlocation`, `location_libelle`, `locdoc_codage_import`, `name`, `adr1`, `cp`, `town`) VALUES (1,'Espace doc','','Centre inventé','3 rue des Glycines','59000','Lille'),(2,'Réserve','RES','','','','');
INSERT INTO `docs_section` (`idsection`, `section_libelle`, `sdoc_codage_import`, `sdoc_owner`) VALUES (1,'Habitat','',0);
INSERT INTO `docs_statut` (`idstatut`, `statut_libelle`, `pret_flag`, `statusdoc_codage_import`, `statusdoc_owner`) VALUES (1,'En rayon',1,'',0),(2,'Perdu',0,'p',0);
INSERT INTO `docs_type` (`idtyp_doc`, `tdoc_libelle`, `tdoc_codage_import`) VALUES (1,'Livre','LIV'),(2,'Revue','');
INSERT INTO `lenders` (`idlender`, `lender_libelle`) VALUES (1,'Centre inventé');

INSERT INTO `empr` (`id_empr`, `empr_cb`, `empr_nom`, `empr_prenom`, `empr_mail`) VALUES (1,'E001','Lectrice-Secrète','Yvonne','yvonne@example.org');
INSERT INTO `pret` (`pret_idempr`, `pret_idexpl`, `pret_date`) VALUES (1,1,'2024-05-02 10:00:00');

INSERT INTO `exemplaires` (`expl_id`, `expl_cb`, `expl_notice`, `expl_bulletin`, `expl_typdoc`, `expl_cote`, `expl_section`, `expl_statut`, `expl_location`, `expl_codestat`, `expl_date_depot`, `expl_date_retour`, `expl_note`, `expl_prix`, `expl_owner`, `expl_lastempr`, `create_date`, `update_date`, `expl_comment`, `expl_nbparts`) VALUES
  (1,'59000001',1,0,1,'HAB 320 VAS',1,1,1,1,'2019-03-12','2024-05-23','Abîmé','12 EUR',1,1,'2019-03-12 10:20:30','2024-01-01 00:00:00','À relier',2),
  (2,'59000002',1,0,1,'HAB 320 VAS ex. 2',1,2,2,1,'0000-00-00','0000-00-00','','',1,0,'2020-01-01 00:00:00','2020-01-01 00:00:00','',1),
  (3,'59000003',0,20,2,'PER GAZ',1,1,1,1,'2024-01-10','0000-00-00','','',1,0,'2024-01-10 09:00:00','2024-01-10 09:00:00','',1),
  (4,'59000004',0,21,2,'PER GAZ',1,1,1,1,'2024-02-10','0000-00-00','','',1,0,'2024-02-10 09:00:00','2024-02-10 09:00:00','',1),
  (5,'',0,22,2,'PER GAZ',1,1,2,1,'2024-03-25','0000-00-00','','',1,0,'2024-03-25 09:00:00','2024-03-25 09:00:00','',1);
INSERT INTO `expl_custom` (`idchamp`, `name`, `titre`, `type`, `datatype`, `options`, `export`) VALUES (1,'inventaire','N° d\'inventaire','text','small_text','<OPTIONS FOR="text"/>',1);
INSERT INTO `expl_custom_values` (`expl_custom_champ`, `expl_custom_origine`, `expl_custom_small_text`, `expl_custom_order`) VALUES (1,1,'INV-0042',0);

INSERT INTO `explnum` (`explnum_id`, `explnum_notice`, `explnum_bulletin`, `explnum_nom`, `explnum_mimetype`, `explnum_url`, `explnum_data`, `explnum_extfichier`, `explnum_nomfichier`, `explnum_docnum_statut`) VALUES
  (1,1,0,'Sommaire','application/pdf','',0x255044462D312E34,'pdf','sommaire.pdf',1),
  (2,1,0,'En ligne','URL','https://docs.example/glycines/texte.pdf','','','',1),
  (3,0,22,'Le numéro entier','application/pdf','','%PDF-1.4\0\'\n','pdf','gazette213.pdf',1);
INSERT INTO `explnum_statut` (`id_explnum_statut`, `gestion_libelle`) VALUES (1,'Sans statut particulier');

INSERT INTO `indexint` (`indexint_id`, `indexint_name`, `indexint_comment`, `index_indexint`, `num_pclass`) VALUES (7,'HAB 320','Logement social',' hab 320 ',1),(8,'HAB 400','Espaces publics',' hab 400 ',1);
INSERT INTO `pclassement` (`id_pclass`, `name_pclass`, `typedoc`) VALUES (1,'Plan du centre','abcde');

CREATE TABLE `noeuds` (
  `id_noeud` int(9) unsigned NOT NULL AUTO_INCREMENT,
  `autorite` varchar(255) NOT NULL DEFAULT '',
  `num_parent` int(9) unsigned NOT NULL DEFAULT 0,
  `num_renvoi_voir` int(9) unsigned NOT NULL DEFAULT 0,
  `visible` char(1) NOT NULL DEFAULT '1',
  `num_thesaurus` int(3) unsigned NOT NULL DEFAULT 0,
  PRIMARY KEY (`id_noeud`)
) ENGINE=MyISAM DEFAULT CHARSET=utf8;
INSERT INTO `noeuds` VALUES (1,'TOP',0,0,'1',1),(2,'NONCLASSES',1,0,'1',1),(3,'ORPHELINS',1,0,'1',1),(10,'',1,0,'1',1),(11,'',10,0,'1',1),(12,'',10,11,'1',1),(13,'',1,0,'1',1),(14,'',2,0,'1',1),(15,'',3,0,'1',1),(50,'TOP',0,0,'1',2),(51,'',50,0,'1',2);

CREATE TABLE `notices` (
  `notice_id` mediumint(8) unsigned NOT NULL AUTO_INCREMENT,
  `typdoc` char(2) NOT NULL DEFAULT 'a',
  `tit1` text DEFAULT NULL,
  `tit2` text DEFAULT NULL,
  `tit3` text DEFAULT NULL,
  `tit4` text DEFAULT NULL,
  `tparent_id` mediumint(8) unsigned NOT NULL DEFAULT 0,
  `tnvol` varchar(100) NOT NULL DEFAULT '',
  `ed1_id` mediumint(8) unsigned NOT NULL DEFAULT 0,
  `ed2_id` mediumint(8) unsigned NOT NULL DEFAULT 0,
  `coll_id` mediumint(8) unsigned NOT NULL DEFAULT 0,
  `subcoll_id` mediumint(8) unsigned NOT NULL DEFAULT 0,
  `year` varchar(50) DEFAULT NULL,
  `nocoll` varchar(255) DEFAULT NULL,
  `mention_edition` varchar(255) NOT NULL DEFAULT '',
  `code` varchar(50) NOT NULL DEFAULT '',
  `npages` varchar(255) DEFAULT NULL,
  `ill` varchar(255) DEFAULT NULL,
  `size` varchar(255) DEFAULT NULL,
  `accomp` varchar(255) DEFAULT NULL,
  `n_gen` text NOT NULL,
  `n_contenu` text NOT NULL,
  `n_resume` text NOT NULL,
  `lien` text NOT NULL,
  `eformat` varchar(255) NOT NULL DEFAULT '',
  `index_l` text NOT NULL,
  `indexint` int(8) unsigned NOT NULL DEFAULT 0,
  `index_serie` tinytext DEFAULT NULL,
  `niveau_biblio` char(1) NOT NULL DEFAULT 'm',
  `niveau_hierar` char(1) NOT NULL DEFAULT '0',
  `origine_catalogage` int(8) unsigned NOT NULL DEFAULT 1,
  `prix` varchar(255) NOT NULL DEFAULT '',
  `statut` int(5) NOT NULL DEFAULT 1,
  `commentaire_gestion` text NOT NULL,
  `create_date` datetime NOT NULL DEFAULT '2005-01-01 00:00:00',
  `update_date` timestamp NOT NULL DEFAULT current_timestamp(),
  `signature` varchar(255) NOT NULL DEFAULT '',
  `thumbnail_url` mediumblob NOT NULL,
  `date_parution` date NOT NULL DEFAULT '0000-00-00',
  `num_notice_usage` int(8) unsigned NOT NULL DEFAULT 0,
  `champ_du_futur` varchar(20) NOT NULL DEFAULT '',
  PRIMARY KEY (`notice_id`),
  KEY `typdoc` (`typdoc`)
) ENGINE=MyISAM AUTO_INCREMENT=7 DEFAULT CHARSET=utf8 COLLATE=utf8_unicode_ci;
INSERT INTO `notices` VALUES
  (1,'a','Habiter la tour des Glycines','Suivi de : L\'escalier B','Living in the tower','récits de locataires',1,'2',1,2,1,1,'DL 2018','12','2e éd.','978-2-00-000001-3','212 p.','ill.','24 cm','1 plan','Bibliogr. p. 201-210','1. Monter\r\n2. Descendre','Trente locataires racontent ; l\'ascenseur écoute.','https://glycines.example','texte','relogement;tour','7','','m','0',1,'12 EUR',1,'','2019-03-12 10:20:30','2024-02-01 09:00:00','sig','','2018-01-01',1,''),
  (2,'a','Gazette des quartiers inventés','','','',0,'',1,0,0,0,'','','','1234-5679','','','30 cm','','','','','','','',0,'','s','1',1,'',1,'','2010-01-01 08:00:00','2024-02-01 09:00:00','','','0000-00-00',0,''),
  (3,'a','Rénover sans reloger ?','','','',0,'',0,0,0,0,'2024','','','','pp. 12-15','','','','','','Une enquête.','','','ANRU;relogement',0,'','a','2',1,'',1,'','2024-01-15 08:00:00','2024-01-16 09:00:00','','','2024-01-01',0,''),
  (4,'a','212','','','',0,'',0,0,0,0,'2024','','','','','','','','Numéro double','','','','','',0,'','b','2',1,'',1,'','2024-02-10 08:00:00','2024-02-10 09:00:00','','','2024-02-01',0,''),
  (5,'a','Un banc pour deux','','','',0,'',0,0,0,0,'2024','','','','p. 3','','','','','','','','','',8,'','a','2',1,'',2,'À relire : l\'auteur a demandé un retrait','2024-02-11 08:00:00','2024-02-11 09:00:00','','','2024-02-01',0,'oui'),
  (6,'x','Cartes du relogement','','','',0,'',0,0,0,0,'','','','','','','','','','','','','','',0,'','m','0',1,'',1,'','2021-05-05 08:00:00','2021-05-05 09:00:00','','','0000-00-00',0,'');

INSERT INTO `notices_categories` (`notcateg_notice`, `num_noeud`, `num_vedette`, `ordre_vedette`, `ordre_categorie`) VALUES (1,11,0,1,0),(1,13,0,1,1),(3,51,0,1,0);
INSERT INTO `notices_custom` (`idchamp`, `name`, `titre`, `type`, `datatype`, `options`, `export`) VALUES (1,'public','Public visé','list','integer','<OPTIONS FOR="list"/>',1),(2,'interne','Suivi interne','text','small_text','<OPTIONS FOR="text"/>',0),(3,'recu','Reçu le','date_box','date','<OPTIONS FOR="date_box"/>',1);
INSERT INTO `notices_custom_lists` (`notices_custom_champ`, `notices_custom_list_value`, `notices_custom_list_lib`, `ordre`) VALUES (1,'1','Professionnels',1),(1,'2','Habitants',2);
INSERT INTO `notices_custom_values` (`notices_custom_champ`, `notices_custom_origine`, `notices_custom_small_text`, `notices_custom_text`, `notices_custom_integer`, `notices_custom_date`, `notices_custom_float`, `notices_custom_order`) VALUES (1,1,NULL,NULL,2,NULL,NULL,0),(2,1,'vu avec Odile',NULL,NULL,NULL,NULL,0),(3,1,NULL,NULL,NULL,'2019-03-11',NULL,0);
INSERT INTO `notices_langues` (`num_notice`, `type_langue`, `code_langue`, `ordre_langue`) VALUES (1,0,'fre',0),(1,1,'eng',1),(3,0,'fre',0);
INSERT INTO `notices_relations` (`id_notices_relations`, `num_notice`, `linked_notice`, `relation_type`, `ranking`, `direction`, `num_reverse_link`) VALUES (1,4,2,'b',1,'up',0),(2,6,1,'a',0,'up',3),(3,1,6,'a',0,'down',2);
INSERT INTO `notices_mots_global_index` (`id_notice`, `code_champ`, `num_word`) VALUES (1,1,1),(1,1,2),(2,1,3);
INSERT INTO `notice_statut` (`id_notice_statut`, `gestion_libelle`, `opac_libelle`, `notice_visible_opac`, `notice_visible_gestion`, `notice_visible_opac_abon`) VALUES (1,'Sans statut particulier','',1,1,0),(2,'En cours de traitement','',0,1,0);
INSERT INTO `notice_usage` (`id_usage`, `usage_libelle`) VALUES (1,'Consultation sur place');
INSERT INTO `origine_notice` (`orinot_id`, `orinot_nom`, `orinot_pays`, `orinot_diffusion`) VALUES (1,'Centre inventé','FR',1);
INSERT INTO `parametres` (`id_param`, `type_param`, `sstype_param`, `valeur_param`) VALUES (1,'pmb','opac_url','https://pmb.example/opac_css/'),(2,'pmb','bdd_version','v6.01');
INSERT INTO `plugin_du_centre` (`id`, `note`) VALUES (1,'un ajout local');
INSERT INTO `publishers` (`ed_id`, `ed_name`, `ed_adr1`, `ed_adr2`, `ed_cp`, `ed_ville`, `ed_pays`, `ed_web`, `index_publisher`, `ed_comment`) VALUES (1,'Les Presses du Palier','12 quai du Vent','','59000','Lille','France','https://palier.example',' presses palier ',''),(2,'Atelier B','','','','Gand','Belgique','','','');
INSERT INTO `responsability` (`id_responsability`, `responsability_author`, `responsability_notice`, `responsability_fonction`, `responsability_type`, `responsability_ordre`) VALUES (1,2,1,'340',2,0),(2,1,1,'070',0,1),(3,3,1,'',1,2),(4,1,3,'070',0,0);
INSERT INTO `series` (`serie_id`, `serie_name`, `serie_index`) VALUES (1,'Les tours',' tours ');
INSERT INTO `thesaurus` (`id_thesaurus`, `libelle_thesaurus`, `langue_defaut`, `active`, `opac_active`, `num_noeud_racine`) VALUES (1,'Mots de la ville','fr_FR','1','1',1),(2,'Lieux','fr_FR','1','1',50);
INSERT INTO `voir_aussi` (`num_noeud_orig`, `num_noeud_dest`, `langue`) VALUES (11,13,'fr_FR');
-- Dump completed on 2026-10-02 18:00:00
