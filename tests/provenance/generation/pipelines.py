"""Tiny, randomly initialised pipelines of every kind, built from configurations alone.

No hub and no weights: tokenizers are made of single bytes, networks of a few channels. Each
builder returns a real diffusers pipeline; `saved` writes one to a folder and loads it again,
as a downloaded model would be.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AnimateDiffPipeline,
    AutoencoderKL,
    AutoencoderKLTemporalDecoder,
    AutoencoderKLWan,
    ControlNetModel,
    DDIMScheduler,
    DDPMScheduler,
    DiffusionPipeline,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    MotionAdapter,
    StableDiffusionControlNetPipeline,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionInpaintPipeline,
    StableDiffusionPipeline,
    StableDiffusionUpscalePipeline,
    StableDiffusionXLPipeline,
    StableVideoDiffusionPipeline,
    UNet2DConditionModel,
    UNetSpatioTemporalConditionModel,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

WIDTH = 8  # of text embeddings


def saved(pipeline: Any, folder: Path) -> Any:
    """`pipeline` after a round trip through a local folder."""
    pipeline.save_pretrained(folder)
    return quiet(DiffusionPipeline.from_pretrained(folder, local_files_only=True))


def quiet(pipeline: Any) -> Any:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def text_to_image(**parts: Any) -> Any:
    return quiet(StableDiffusionPipeline(**(_stable_diffusion() | parts)))


def image_to_image() -> Any:
    return quiet(StableDiffusionImg2ImgPipeline(**_stable_diffusion()))


def inpainting() -> Any:
    return quiet(StableDiffusionInpaintPipeline(**_stable_diffusion(in_channels=9)))


def with_controlnet() -> Any:
    torch.manual_seed(0)
    network = ControlNetModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        in_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        conditioning_embedding_out_channels=(2, 2, 2, 4),
        cross_attention_dim=WIDTH,
        norm_num_groups=2,
    )
    return quiet(StableDiffusionControlNetPipeline(controlnet=network, **_stable_diffusion()))


def upscaling() -> Any:
    parts = _stable_diffusion(in_channels=7, num_class_embeds=1000)
    for name in ("requires_safety_checker",):
        del parts[name]
    low = DDPMScheduler()
    vae = _vae(blocks=3)
    return quiet(StableDiffusionUpscalePipeline(**(parts | {"vae": vae, "low_res_scheduler": low})))


def two_encoders() -> Any:
    """Stable Diffusion XL."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=(2, 4),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        transformer_layers_per_block=(1, 2),
        projection_class_embeddings_input_dim=80,
        cross_attention_dim=64,
        norm_num_groups=2,
    )
    return quiet(
        StableDiffusionXLPipeline(
            unet=unet,
            scheduler=_euler(),
            vae=_vae(),
            text_encoder=_text_encoder(32, projection=32),
            tokenizer=_tokenizer(),
            text_encoder_2=_text_encoder(32, CLIPTextModelWithProjection, projection=32),
            tokenizer_2=_tokenizer(),
        )
    )


def with_style_reference() -> tuple[Any, dict[str, Any]]:
    """A text-to-image pipeline, and an IP-Adapter's weights for it."""
    torch.manual_seed(0)
    pipeline = text_to_image(image_encoder=_image_encoder(8, 32), feature_extractor=_processor(32))
    weights: dict[str, Any] = {"image_proj": {}, "ip_adapter": {}}
    tokens = 4
    weights["image_proj"]["proj.weight"] = torch.randn(tokens * WIDTH, 8)
    weights["image_proj"]["proj.bias"] = torch.zeros(tokens * WIDTH)
    weights["image_proj"]["norm.weight"] = torch.ones(WIDTH)
    weights["image_proj"]["norm.bias"] = torch.zeros(WIDTH)
    number = 1
    for name in pipeline.unet.attn_processors:
        if name.endswith("attn1.processor"):
            continue
        attention = pipeline.unet.get_submodule(name.removesuffix(".processor"))
        shape = attention.to_k.weight.shape
        weights["ip_adapter"][f"{number}.to_k_ip.weight"] = torch.randn(shape)
        weights["ip_adapter"][f"{number}.to_v_ip.weight"] = torch.randn(shape)
        number += 2
    return pipeline, weights


def text_to_video() -> Any:
    """AnimateDiff: frames come as PIL images."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        sample_size=8,
        in_channels=4,
        out_channels=4,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        norm_num_groups=2,
    )
    motion = MotionAdapter(
        block_out_channels=(8, 8),
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=2,
    )
    return quiet(
        AnimateDiffPipeline(
            unet=unet,
            scheduler=DDIMScheduler(beta_schedule="linear", clip_sample=False, steps_offset=1),
            vae=_vae(),
            motion_adapter=motion,
            text_encoder=_text_encoder(),
            tokenizer=_tokenizer(),
        )
    )


def flow_text_to_video() -> Any:
    """Wan: frames come as one array."""
    return quiet(WanPipeline(transformer=_wan_transformer(16), transformer_2=None, **_wan()))


def flow_image_to_video() -> Any:
    """Wan with a first and, for frame interpolation, a last frame."""
    return quiet(
        WanImageToVideoPipeline(
            transformer=_wan_transformer(36, image_dim=4, pos_embed_seq_len=2 * 1025),
            transformer_2=None,
            image_encoder=_image_encoder(4, 32, patch=1),
            image_processor=CLIPImageProcessor(crop_size=32, size=32),
            **_wan(),
        )
    )


def image_to_video() -> Any:
    """Stable Video Diffusion."""
    torch.manual_seed(0)
    unet = UNetSpatioTemporalConditionModel(
        block_out_channels=(32, 64),
        layers_per_block=1,
        sample_size=32,
        in_channels=8,
        out_channels=4,
        down_block_types=("CrossAttnDownBlockSpatioTemporal", "DownBlockSpatioTemporal"),
        up_block_types=("UpBlockSpatioTemporal", "CrossAttnUpBlockSpatioTemporal"),
        cross_attention_dim=32,
        num_attention_heads=8,
        projection_class_embeddings_input_dim=96,
        addition_time_embed_dim=32,
    )
    vae = AutoencoderKLTemporalDecoder(
        block_out_channels=[32, 32, 32, 32],
        layers_per_block=1,
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 4,
        latent_channels=4,
    )
    return quiet(
        StableVideoDiffusionPipeline(
            unet=unet,
            image_encoder=_image_encoder(32, 224, patch=32),
            scheduler=EulerDiscreteScheduler(
                prediction_type="v_prediction",
                timestep_spacing="leading",
                timestep_type="continuous",
                sigma_max=700.0,
                sigma_min=0.002,
                steps_offset=1,
                use_karras_sigmas=True,
            ),
            vae=vae,
            feature_extractor=CLIPImageProcessor(crop_size=224, size=224),
        )
    )


def _stable_diffusion(**unet: Any) -> dict[str, Any]:
    return {
        "unet": _unet(**unet),
        "scheduler": _ddim(),
        "vae": _vae(),
        "text_encoder": _text_encoder(),
        "tokenizer": _tokenizer(),
        "safety_checker": None,
        "feature_extractor": None,
        "requires_safety_checker": False,
    }


def _unet(in_channels: int = 4, **options: Any) -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=32,
        in_channels=in_channels,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        norm_num_groups=2,
        **options,
    )


def _vae(blocks: int = 4) -> AutoencoderKL:
    """Eight-fold (four blocks), as real ones: with less a random one gives white noise."""
    torch.manual_seed(0)
    return AutoencoderKL(
        block_out_channels=[8, 8, 16, 16][:blocks],
        layers_per_block=1,
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        norm_num_groups=4,
        down_block_types=["DownEncoderBlock2D"] * blocks,
        up_block_types=["UpDecoderBlock2D"] * blocks,
    )


def _ddim() -> DDIMScheduler:
    return DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )


def _euler() -> EulerDiscreteScheduler:
    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1
    )


def _text_encoder(width: int = WIDTH, kind: Any = CLIPTextModel, projection: int = 8) -> Any:
    torch.manual_seed(0)
    config = CLIPTextConfig(
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=1,
        hidden_size=width,
        intermediate_size=16,
        num_attention_heads=2,
        num_hidden_layers=1,
        projection_dim=projection,
        vocab_size=1000,
    )
    return kind(config).eval()


def _tokenizer() -> CLIPTokenizer:
    """A byte-level BPE without merges: every byte, alone and at the end of a word."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = [chr(byte) for byte in printable]
    symbols += [chr(256 + index) for index in range(len(others))]
    words = ["<|startoftext|>", "!", "<|endoftext|>"]
    words += [word for word in (*symbols, *(s + "</w>" for s in symbols)) if word not in words]
    vocabulary = {word: index for index, word in enumerate(words)}
    return CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _image_encoder(width: int, side: int, patch: int = 8) -> CLIPVisionModelWithProjection:
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=width,
        projection_dim=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=side,
        intermediate_size=16,
        patch_size=patch,
    )
    return CLIPVisionModelWithProjection(config).eval()


def _processor(side: int) -> CLIPImageProcessor:
    return CLIPImageProcessor(crop_size=side, size=side)


def _wan() -> dict[str, Any]:
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=200,
        d_model=32,
        d_kv=8,
        d_ff=37,
        num_layers=1,
        num_heads=4,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    pieces += [(chr(code), -3.0) for code in range(33, 127)]
    return {
        "vae": AutoencoderKLWan(
            base_dim=3,
            z_dim=16,
            dim_mult=[1, 1, 1, 1],
            num_res_blocks=1,
            temperal_downsample=[False, True, True],
        ),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=7.0),
        "text_encoder": T5EncoderModel(config).eval(),
        "tokenizer": T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=64),
    }


def _wan_transformer(in_channels: int, **options: Any) -> WanTransformer3DModel:
    torch.manual_seed(0)
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=in_channels,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=1,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=64,
        **options,
    )
