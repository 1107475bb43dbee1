"""List the keys of a message that hold no content. Source: Bot API, "Message"."""

# Sixty words read better as text than as a list with sixty lines.
# ruff: noqa: SIM905

from typing import Final

#: Keys that stand beside the one that holds the content.
ENVELOPE: Final = frozenset(
    """
    author_signature caption_entities direct_messages_topic effect_id
    ephemeral_message_id external_reply forward_date forward_from forward_from_chat
    forward_from_message_id forward_origin forward_sender_name forward_signature
    guest_bot_caller_chat guest_bot_caller_user guest_query_id has_media_spoiler
    has_protected_content is_automatic_forward is_from_offline is_paid_post link_preview_options
    media_group_id paid_star_count quote receiver_user reply_markup reply_to_checklist_task_id
    reply_to_poll_option_id reply_to_story sender_boost_count sender_tag
    show_caption_above_media suggested_post_info
    """.split()
)

#: Keys by which the service tells what happened to a chat.
SERVICE: Final = frozenset(
    """
    boost_added channel_chat_created chat_background_set chat_owner_changed chat_owner_left
    checklist_tasks_added checklist_tasks_done community_chat_added community_chat_joined
    community_chat_removed connected_website delete_chat_photo direct_message_price_changed
    forum_topic_closed forum_topic_created forum_topic_edited forum_topic_reopened
    general_forum_topic_hidden general_forum_topic_unhidden gift_upgrade_sent group_chat_created
    managed_bot_created message_auto_delete_timer_changed new_chat_photo new_chat_title
    paid_message_price_changed pinned_message poll_option_added poll_option_deleted
    proximity_alert_triggered suggested_post_approval_failed suggested_post_approved
    suggested_post_declined suggested_post_paid suggested_post_refunded supergroup_chat_created
    video_chat_ended video_chat_participants_invited video_chat_scheduled video_chat_started
    write_access_allowed
    """.split()
)
