# Conan recipe: the headers, with the version and the standard read from where they stand.
# SPDX-License-Identifier: MIT
import os
import re

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

required_conan_version = ">=2.1"


class ShmRecipe(ConanFile):
    name = "shm"
    description = "Typed shared objects on System V shared memory, header-only"
    license = "MIT"
    topics = ("shared-memory", "ipc", "system-v", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    exports = "CMakeLists.txt", "include/shm/base/version.hpp"
    exports_sources = ("CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "single_include/*", "tests/*", "apps/*", "tools/*",
                       "examples/*")
    no_copy_source = True

    @property
    def _runs_tests(self):
        return not self.conf.get("tools.build:skip_test", default=False, check_type=bool)

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, "include/shm/base/version.hpp"))
        self.version = ".".join(re.findall(r"version_(?:major|minor|patch) = (\d+);", header))

    def requirements(self):
        self.requires("boost/[>=1.74 <2]", transitive_headers=True, options={"header_only": True})
        self.requires("ms-gsl/[>=4.0 <5]", transitive_headers=True)

    def build_requirements(self):
        if self._runs_tests:
            self.test_requires("catch2/[>=2.13 <4]")

    def validate(self):
        if self.settings.os != "Linux":
            raise ConanInvalidConfiguration("shm supports 64-bit little-endian Linux")
        project = load(self, os.path.join(self.recipe_folder, "CMakeLists.txt"))
        check_min_cppstd(self, re.search(r"cxx_std_(\d+)", project)[1])

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # nothing is written into the source folder
        toolchain.cache_variables["SHM_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["SHM_BUILD_TOOL"] = False
        toolchain.generate()

    def build(self):
        if self._runs_tests:
            cmake = CMake(self)
            cmake.configure()
            cmake.build(target="shm_tests")
            self.run("tests/shm_tests '~[slow]'")

    def package(self):
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        copy(self, "*.hpp", os.path.join(self.source_folder, "include"), os.path.join(self.package_folder, "include"))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_target_name", "shm::shm")
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
